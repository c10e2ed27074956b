//! A request as code that sends it, in each dialect, and the settings of the clients that people use.

use serde_json::Value;

use crate::dialects::CallerDialect;
use crate::gateway::preview::playground_request::{self, ANSWER_LIMIT};

/// Placeholder for the API key.
pub const KEY: &str = "YOUR_API_KEY";

/// A snippet in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// Name of the language, or of the client.
    pub language: &'static str,
    /// The code to copy.
    pub code: String,
}

impl Snippet {
    /// Title above the snippet.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{}, with your key instead of {KEY}", self.language)
    }
}

/// A chat completion as a curl command.
#[must_use]
pub fn curl(address: &str, key: &str, model: &str, prompt: &str) -> String {
    curl_in(CallerDialect::ChatCompletions, address, key, model, prompt)
}

fn curl_in(dialect: CallerDialect, address: &str, key: &str, model: &str, prompt: &str) -> String {
    let body = playground_request::body(dialect, model, prompt).replace('\'', "'\\''");
    let headers = match dialect {
        CallerDialect::ChatCompletions | CallerDialect::Responses => {
            format!("  -H 'Authorization: Bearer {key}' \\\n")
        }
        CallerDialect::Messages => {
            format!("  -H 'x-api-key: {key}' \\\n  -H 'anthropic-version: 2023-06-01' \\\n")
        }
    };
    let endpoint = dialect.endpoint();
    format!(
        "curl -sSi {address}{endpoint} \\\n{headers}  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    )
}

/// The request in each language.
#[must_use]
pub fn snippets(dialect: CallerDialect, address: &str, key: &str, model: &str, prompt: &str) -> Vec<Snippet> {
    // A JSON string literal is also valid in Python and TypeScript.
    let [model_text, prompt_text] = [model, prompt].map(|text| Value::from(text).to_string());
    let [python, typescript] = match dialect {
        CallerDialect::ChatCompletions => chat_completions(address, key, &model_text, &prompt_text),
        CallerDialect::Messages => messages(address, key, &model_text, &prompt_text),
        CallerDialect::Responses => responses(address, key, &model_text, &prompt_text),
    };
    vec![
        Snippet { language: "curl", code: curl_in(dialect, address, key, model, prompt) },
        Snippet { language: "Python", code: python },
        Snippet { language: "TypeScript", code: typescript },
    ]
}

/// A chat completion with OpenAI's SDKs for Python and TypeScript.
fn chat_completions(address: &str, key: &str, model: &str, prompt: &str) -> [String; 2] {
    [
        format!(
            "from openai import OpenAI\n\nclient = OpenAI(base_url=\"{address}/v1\", api_key=\"{key}\")\nanswer = \
             client.chat.completions.with_raw_response.create(\n    model={model},\n    messages=[{{\"role\": \
             \"user\", \"content\": {prompt}}}],\n)\nprint(answer.parse().choices[0].message.content)\n\
             print(\"answered by\", answer.headers[\"x-failsoft-model\"])"
        ),
        format!(
            "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{address}/v1\", apiKey: \
             \"{key}\" }});\nconst {{ data, response }} = await client.chat.completions\n  .create({{\n    model: \
             {model},\n    messages: [{{ role: \"user\", content: {prompt} }}],\n  }})\n  \
             .withResponse();\nconsole.log(data.choices[0].message.content);\nconsole.log(\"answered by\", \
             response.headers.get(\"x-failsoft-model\"));"
        ),
    ]
}

/// A message with Anthropic's SDKs for Python and TypeScript, which add `/v1` to the base URL themselves.
fn messages(address: &str, key: &str, model: &str, prompt: &str) -> [String; 2] {
    [
        format!(
            "from anthropic import Anthropic\n\nclient = Anthropic(base_url=\"{address}\", api_key=\"{key}\")\n\
             answer = client.messages.with_raw_response.create(\n    model={model},\n    max_tokens={ANSWER_LIMIT},\n    \
             messages=[{{\"role\": \"user\", \"content\": {prompt}}}],\n)\nprint(*(block.text for block in \
             answer.parse().content if block.type == \"text\"))\nprint(\"answered by\", \
             answer.headers[\"x-failsoft-model\"])"
        ),
        format!(
            "import Anthropic from \"@anthropic-ai/sdk\";\n\nconst client = new Anthropic({{ baseURL: \"{address}\", \
             apiKey: \"{key}\" }});\nconst {{ data, response }} = await client.messages\n  .create({{\n    model: \
             {model},\n    max_tokens: {ANSWER_LIMIT},\n    messages: [{{ role: \"user\", content: {prompt} }}],\n  \
             }})\n  .withResponse();\nfor (const block of data.content) if (block.type === \"text\") \
             console.log(block.text);\nconsole.log(\"answered by\", response.headers.get(\"x-failsoft-model\"));"
        ),
    ]
}

/// A response with OpenAI's SDKs for Python and TypeScript.
fn responses(address: &str, key: &str, model: &str, prompt: &str) -> [String; 2] {
    [
        format!(
            "from openai import OpenAI\n\nclient = OpenAI(base_url=\"{address}/v1\", api_key=\"{key}\")\nanswer = \
             client.responses.with_raw_response.create(\n    model={model},\n    input={prompt},\n    \
             store=False,\n)\nprint(answer.parse().output_text)\nprint(\"answered by\", \
             answer.headers[\"x-failsoft-model\"])"
        ),
        format!(
            "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{address}/v1\", apiKey: \
             \"{key}\" }});\nconst {{ data, response }} = await client.responses\n  .create({{ model: {model}, \
             input: {prompt}, store: false }})\n  .withResponse();\nconsole.log(data.output_text);\n\
             console.log(\"answered by\", response.headers.get(\"x-failsoft-model\"));"
        ),
    ]
}

/// The snippets of the quick start: OpenAI's and Anthropic's SDKs, and the agents that use them.
#[must_use]
pub fn quick_start(address: &str) -> Vec<Snippet> {
    let sdk = |dialect, languages: [&'static str; 3]| {
        let snippets = snippets(dialect, address, KEY, "smart", "Hello").into_iter();
        snippets.zip(languages).map(|(snippet, language)| Snippet { language, ..snippet })
    };
    let chat =
        sdk(CallerDialect::ChatCompletions, ["curl", "OpenAI’s SDK, Python", "OpenAI’s SDK, TypeScript"]);
    let responses = sdk(
        CallerDialect::Responses,
        ["curl, Responses", "OpenAI’s SDK, Responses, Python", "OpenAI’s SDK, Responses, TypeScript"],
    );
    let messages = sdk(
        CallerDialect::Messages,
        ["curl, Messages", "Anthropic’s SDK, Python", "Anthropic’s SDK, TypeScript"],
    );
    // One command is enough to see the shape of a call.
    let all = chat.chain(responses.skip(1)).chain(messages.skip(1));
    all.chain([embeddings(address), agents(address), claude_code(address), codex(address)]).collect()
}

/// Embeddings with OpenAI's SDK, of a model of that kind.
fn embeddings(address: &str) -> Snippet {
    let code = format!(
        "from openai import OpenAI\n\nclient = OpenAI(base_url=\"{address}/v1\", api_key=\"{KEY}\")\nanswer = \
         client.embeddings.with_raw_response.create(\n    model=\"embed\",\n    input=[\"Hello\", \
         \"Hello again\"],\n)\nprint([len(one.embedding) for one in answer.parse().data])\n\
         print(\"answered by\", answer.headers[\"x-failsoft-model\"])"
    );
    Snippet { language: "OpenAI’s SDK, embeddings, Python", code }
}

/// OpenAI's Agents SDK, which speaks Responses unless it is set to something else.
fn agents(address: &str) -> Snippet {
    let code = format!(
        "from agents import Agent, Runner, set_default_openai_client, set_tracing_disabled\nfrom openai import \
         AsyncOpenAI\n\nset_tracing_disabled(True)  # traces would be sent to OpenAI\nset_default_openai_client(\n    \
         AsyncOpenAI(base_url=\"{address}/v1\", api_key=\"{KEY}\"), use_for_tracing=False\n)\nagent = \
         Agent(name=\"Assistant\", model=\"smart\")\nprint(Runner.run_sync(agent, \"Hello\").final_output)"
    );
    Snippet { language: "OpenAI’s Agents SDK, Python", code }
}

/// The settings with which Claude Code calls Failsoft. It lists only models with `claude` in their names.
fn claude_code(address: &str) -> Snippet {
    let code = format!(
        "export ANTHROPIC_BASE_URL=\"{address}\"\nexport ANTHROPIC_AUTH_TOKEN=\"{KEY}\"\nclaude --model claude-smart"
    );
    Snippet { language: "Claude Code", code }
}

/// The settings with which Codex calls Failsoft.
fn codex(address: &str) -> Snippet {
    let code = format!(
        "# ~/.codex/config.toml, beside: export FAILSOFT_KEY=\"{KEY}\"\nmodel = \"smart\"\nmodel_provider = \
         \"failsoft\"\n\n[model_providers.failsoft]\nname = \"Failsoft\"\nbase_url = \"{address}/v1\"\nenv_key = \
         \"FAILSOFT_KEY\"\nwire_api = \"responses\""
    );
    Snippet { language: "Codex", code }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const DIALECTS: [CallerDialect; 3] =
        [CallerDialect::ChatCompletions, CallerDialect::Messages, CallerDialect::Responses];

    #[test]
    fn snippets_escape_user_input_in_every_language() {
        let typed = "it's \"quoted\"\n$(rm) \\ ";
        for dialect in DIALECTS {
            let all = snippets(dialect, "http://host", KEY, "m", typed);
            assert!(all[0].code.contains(r#"it'\''s \"quoted\"\n$(rm) \\ "#), "{}", all[0].code);
            for snippet in &all[1..] {
                assert!(snippet.code.contains(r#""it's \"quoted\"\n$(rm) \\ ""#), "{}", snippet.code);
            }
        }
    }

    #[test]
    fn each_client_gets_the_base_url_that_it_expects() {
        for dialect in DIALECTS {
            let all = snippets(dialect, "http://host", KEY, "m", "Hello");
            assert!(all[0].code.contains(&format!("http://host{} ", dialect.endpoint())), "{}", all[0].code);
            for snippet in &all[1..] {
                let bare = snippet.code.contains("\"http://host\"");
                assert_eq!(bare, dialect == CallerDialect::Messages, "{}", snippet.code);
                assert_eq!(snippet.code.contains("\"http://host/v1\""), !bare, "{}", snippet.code);
            }
        }
    }

    #[test]
    fn the_quick_start_has_each_client_once_with_the_address_and_the_key() {
        let all = quick_start("http://host");
        let names: BTreeSet<_> = all.iter().map(|snippet| snippet.language).collect();
        assert_eq!(names.len(), all.len(), "{names:?}");
        for client in [
            "curl",
            "Claude Code",
            "Codex",
            "Anthropic’s SDK, Python",
            "OpenAI’s Agents SDK, Python",
            "OpenAI’s SDK, embeddings, Python",
        ] {
            assert!(names.contains(client), "{client}");
        }
        for snippet in &all {
            assert!(snippet.code.contains("http://host") && snippet.code.contains(KEY), "{}", snippet.code);
        }
    }
}
