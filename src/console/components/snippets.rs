//! A request as code that sends it: curl, Python, TypeScript.

use serde_json::Value;

use crate::gateway::preview::playground_request;

/// Placeholder for the API key.
pub const KEY: &str = "YOUR_API_KEY";

/// A snippet in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// Name of the language.
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

/// The request as a curl command.
#[must_use]
pub fn curl(address: &str, key: &str, model: &str, prompt: &str) -> String {
    let body = playground_request::body(model, prompt).replace('\'', "'\\''");
    format!(
        "curl -sSi {address}/v1/chat/completions \\\n  -H 'Authorization: Bearer {key}' \\\n  \
         -H 'Content-Type: application/json' \\\n  -d '{body}'"
    )
}

/// The settings with which Claude Code calls Failsoft.
#[must_use]
pub fn claude_code(address: &str, key: &str) -> Snippet {
    let code = format!(
        "export ANTHROPIC_BASE_URL=\"{address}\"\nexport ANTHROPIC_AUTH_TOKEN=\"{key}\"\nclaude --model claude-smart"
    );
    Snippet { language: "Claude Code", code }
}

/// The settings with which Codex calls Failsoft.
#[must_use]
pub fn codex(address: &str) -> Snippet {
    let code = format!(
        "# ~/.codex/config.toml; your key is in FAILSOFT_KEY\nmodel = \"smart\"\nmodel_provider = \"failsoft\"\n\n\
         [model_providers.failsoft]\nname = \"Failsoft\"\nbase_url = \"{address}/v1\"\nenv_key = \"FAILSOFT_KEY\"\n\
         wire_api = \"responses\""
    );
    Snippet { language: "Codex", code }
}

/// The request in each language.
#[must_use]
pub fn snippets(address: &str, key: &str, model: &str, prompt: &str) -> Vec<Snippet> {
    // A JSON string literal is also valid in Python and TypeScript.
    let [model_text, prompt_text] = [model, prompt].map(|text| Value::from(text).to_string());
    let python = format!(
        "from openai import OpenAI\n\nclient = OpenAI(base_url=\"{address}/v1\", api_key=\"{key}\")\nanswer = \
         client.chat.completions.with_raw_response.create(\n    model={model_text},\n    messages=[{{\"role\": \
         \"user\", \"content\": {prompt_text}}}],\n)\nprint(answer.parse().choices[0].message.content)\nprint(\"answered \
         by\", answer.headers[\"x-failsoft-model\"])"
    );
    let typescript = format!(
        "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: \"{address}/v1\", apiKey: \"{key}\" \
         }});\nconst {{ data, response }} = await client.chat.completions\n  .create({{\n    model: {model_text},\n    \
         messages: [{{ role: \"user\", content: {prompt_text} }}],\n  }})\n  \
         .withResponse();\nconsole.log(data.choices[0].message.content);\nconsole.log(\"answered by\", \
         response.headers.get(\"x-failsoft-model\"));"
    );
    vec![
        Snippet { language: "curl", code: curl(address, key, model, prompt) },
        Snippet { language: "Python", code: python },
        Snippet { language: "TypeScript", code: typescript },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_escape_user_input_in_every_language() {
        let typed = "it's \"quoted\"\n$(rm) \\ ";
        let all = snippets("http://host", KEY, "m", typed);
        assert!(all[0].code.contains(r#"it'\''s \"quoted\"\n$(rm) \\ "#), "{}", all[0].code);
        for snippet in &all[1..] {
            assert!(snippet.code.contains(r#""it's \"quoted\"\n$(rm) \\ ""#), "{}", snippet.code);
        }
    }
}
