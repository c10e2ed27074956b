//! Renders an API call as code: a shell command, Python or TypeScript.

use super::sample::{JSON, PYTHON, Sample};

/// The file that a spoken answer is written to.
const SPOKEN: &str = "speech.mp3";

/// A language of the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// A command of the shell.
    Curl,
    /// Python, with the library `requests`.
    Python,
    /// TypeScript, with the built-in `fetch`.
    TypeScript,
}

impl Language {
    /// Every language, in display order.
    pub const ALL: [Self; 3] = [Self::Curl, Self::Python, Self::TypeScript];

    /// The word in the address of the page.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Python => "python",
            Self::TypeScript => "typescript",
        }
    }

    /// The name in headings.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Curl => "curl",
            Self::Python => "Python",
            Self::TypeScript => "TypeScript",
        }
    }
}

/// Code without the server's address, which is known per request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// What precedes the address.
    pub before: String,
    /// What follows the address, starting with the path.
    pub after: String,
}

/// A call in each language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Samples {
    /// The command of the shell.
    pub curl: Code,
    /// The same in Python.
    pub python: Code,
    /// The same in TypeScript.
    pub typescript: Code,
}

/// What a call sends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sent<'a> {
    Nothing,
    Json(&'a Sample),
    /// A form with the name of a model and a file.
    File,
}

/// What a call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Returned {
    Nothing,
    Json,
    Text,
    Binary,
}

/// Input of the samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    /// The path with values in place of its parameters.
    pub(super) target: &'a str,
    /// Environment variable of the credential, if one is needed.
    pub(super) variable: Option<&'static str>,
    pub(super) sent: Sent<'a>,
    pub(super) returned: Returned,
}

/// Renders the code for a call.
pub(super) fn samples(call: Call<'_>) -> Samples {
    Samples { curl: curl(call), python: python(call), typescript: typescript(call) }
}

fn curl(call: Call<'_>) -> Code {
    let implied = if matches!(call.sent, Sent::Nothing) { "GET" } else { "POST" };
    let program = if call.method == implied { "curl".to_owned() } else { format!("curl -X {}", call.method) };
    let mut options: Vec<String> = Vec::new();
    if let Some(variable) = call.variable {
        options.push(format!("-H \"Authorization: Bearer ${variable}\""));
    }
    match call.sent {
        Sent::Nothing => {}
        Sent::Json(body) => {
            options.push("-H 'Content-Type: application/json'".to_owned());
            options.push(format!("-d {}", quoted(&body.body(JSON))));
        }
        Sent::File => options.extend(["-F 'model=MODEL'", "-F 'file=@FILE'"].map(str::to_owned)),
    }
    if call.returned == Returned::Binary {
        options.push(format!("-o {SPOKEN}"));
    }
    let target = call.target;
    let options: String = options.iter().map(|option| format!(" \\\n  {option}")).collect();
    Code { before: format!("{program} '"), after: format!("{target}'{options}") }
}

/// Quotes a text as one shell word.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn python(call: Call<'_>) -> Code {
    let Call { target, variable, .. } = call;
    let mut arguments: Vec<String> = Vec::new();
    if let Some(variable) = variable {
        let key = format!("f\"Bearer {{os.environ['{variable}']}}\"");
        arguments.push(format!("headers={{\"Authorization\": {key}}}"));
    }
    match call.sent {
        Sent::Nothing => {}
        Sent::Json(body) => arguments.push(format!("json={}", body.body(PYTHON))),
        Sent::File => {
            let parts = ["data={\"model\": \"MODEL\"}", "files={\"file\": open(\"FILE\", \"rb\")}"];
            arguments.extend(parts.map(str::to_owned));
        }
    }
    let imports = if variable.is_some() { "import os\n\nimport requests" } else { "import requests" };
    let method = call.method.to_ascii_lowercase();
    let read = match call.returned {
        Returned::Nothing => "print(answer.status_code)".to_owned(),
        Returned::Json => "print(answer.json())".to_owned(),
        Returned::Text => "print(answer.text)".to_owned(),
        Returned::Binary => {
            format!("with open(\"{SPOKEN}\", \"wb\") as file:\n    file.write(answer.content)")
        }
    };
    let called = format!("{imports}\n\nanswer = requests.{method}(");
    if arguments.is_empty() {
        return Code { before: format!("{called}\""), after: format!("{target}\")\n{read}") };
    }
    let arguments: String = arguments.iter().map(|argument| format!("    {argument},\n")).collect();
    Code { before: format!("{called}\n    \""), after: format!("{target}\",\n{arguments})\n{read}") }
}

fn typescript(call: Call<'_>) -> Code {
    let Call { method, target, variable, .. } = call;
    let mut headers: Vec<String> = Vec::new();
    if let Some(variable) = variable {
        headers.push(format!("Authorization: `Bearer ${{process.env.{variable}}}`"));
    }
    let mut members: Vec<String> = Vec::new();
    if method != "GET" {
        members.push(format!("method: \"{method}\""));
    }
    let (mut import, mut form) = ("", "");
    let body = match call.sent {
        Sent::Nothing => None,
        Sent::Json(body) => {
            headers.push("\"Content-Type\": \"application/json\"".to_owned());
            Some(format!("body: JSON.stringify({})", body.body(JSON)))
        }
        Sent::File => {
            import = "import { readFile } from \"node:fs/promises\";\n\n";
            form = FORM;
            Some("body: form".to_owned())
        }
    };
    if !headers.is_empty() {
        let headers: String = headers.iter().map(|header| format!("    {header},\n")).collect();
        members.push(format!("headers: {{\n{headers}  }}"));
    }
    members.extend(body);
    let read = match call.returned {
        Returned::Nothing => "console.log(answer.status);".to_owned(),
        Returned::Json => "console.log(await answer.json());".to_owned(),
        Returned::Text => "console.log(await answer.text());".to_owned(),
        Returned::Binary => {
            import = "import { writeFile } from \"node:fs/promises\";\n\n";
            format!("await writeFile(\"{SPOKEN}\", Buffer.from(await answer.arrayBuffer()));")
        }
    };
    let members: String = members.iter().map(|member| format!("  {member},\n")).collect();
    let options = if members.is_empty() { members } else { format!(", {{\n{members}}}") };
    Code {
        before: format!("{import}{form}const answer = await fetch(\""),
        after: format!("{target}\"{options});\n{read}"),
    }
}

/// The form with a file in TypeScript.
const FORM: &str = "const form = new FormData();
form.append(\"model\", \"MODEL\");
form.append(\"file\", new Blob([await readFile(\"FILE\")]), \"FILE\");

";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const GET: Call<'_> = Call {
        method: "GET",
        target: "/livez",
        variable: None,
        sent: Sent::Nothing,
        returned: Returned::Text,
    };

    fn shown(code: &Code) -> String {
        format!("{}https://a.example{}", code.before, code.after)
    }

    #[test]
    fn a_command_names_the_method_unless_it_is_implied() {
        let body = Sample::Value(json!({}));
        let program = |call| curl(call).before;
        assert_eq!(program(GET), "curl '");
        assert_eq!(program(Call { method: "POST", ..GET }), "curl -X POST '");
        assert_eq!(program(Call { method: "POST", sent: Sent::Json(&body), ..GET }), "curl '");
        assert_eq!(program(Call { method: "PATCH", sent: Sent::Json(&body), ..GET }), "curl -X PATCH '");
    }

    #[test]
    fn a_call_without_anything_is_one_line_in_each_language() {
        let Samples { curl, python, typescript } = samples(GET);
        assert_eq!(shown(&curl), "curl 'https://a.example/livez'");
        assert_eq!(
            shown(&python),
            "import requests\n\nanswer = requests.get(\"https://a.example/livez\")\nprint(answer.text)"
        );
        assert_eq!(
            shown(&typescript),
            "const answer = await fetch(\"https://a.example/livez\");\nconsole.log(await answer.text());"
        );
    }

    #[test]
    fn a_body_is_one_shell_word_and_a_literal_of_each_language() {
        let body = Sample::Value(json!({"a": "it's", "b": [true, null]}));
        let call = Call {
            method: "PATCH",
            target: "/a/ID",
            variable: Some("KEY"),
            sent: Sent::Json(&body),
            returned: Returned::Json,
        };
        let Samples { curl, python, typescript } = samples(call);
        assert_eq!(
            shown(&curl),
            r#"curl -X PATCH 'https://a.example/a/ID' \
  -H "Authorization: Bearer $KEY" \
  -H 'Content-Type: application/json' \
  -d '{"a": "it'\''s", "b": [true, null]}'"#
        );
        assert_eq!(
            shown(&python),
            r#"import os

import requests

answer = requests.patch(
    "https://a.example/a/ID",
    headers={"Authorization": f"Bearer {os.environ['KEY']}"},
    json={"a": "it's", "b": [True, None]},
)
print(answer.json())"#
        );
        assert_eq!(
            shown(&typescript),
            r#"const answer = await fetch("https://a.example/a/ID", {
  method: "PATCH",
  headers: {
    Authorization: `Bearer ${process.env.KEY}`,
    "Content-Type": "application/json",
  },
  body: JSON.stringify({"a": "it's", "b": [true, null]}),
});
console.log(await answer.json());"#
        );
    }

    #[test]
    fn files_are_sent_and_saved() {
        let sent = samples(Call { method: "POST", sent: Sent::File, returned: Returned::Json, ..GET });
        assert!(sent.curl.after.ends_with("-F 'file=@FILE'"), "{sent:?}");
        assert!(sent.python.after.contains("open(\"FILE\", \"rb\")"), "{sent:?}");
        assert!(sent.typescript.before.contains("form.append(\"file\""), "{sent:?}");
        let saved = samples(Call { returned: Returned::Binary, ..GET });
        assert!(saved.curl.after.ends_with("-o speech.mp3"), "{saved:?}");
        assert!(saved.python.after.ends_with("file.write(answer.content)"), "{saved:?}");
        assert!(saved.typescript.after.contains("writeFile(\"speech.mp3\""), "{saved:?}");
    }
}
