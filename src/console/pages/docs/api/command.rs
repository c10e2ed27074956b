//! Renders an API call as a shell command.

/// A command without the server's address, which is known per request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The program and options before the URL: `curl`, and the method if it is not implied.
    pub program: String,
    /// Path and query, appended to the server's address.
    pub target: String,
    /// Options, one per line.
    pub options: Vec<String>,
}

/// Input of a command.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// Values of the path parameters.
    pub(super) path_values: &'a [(String, String)],
    /// Shell variable of the credential, if one is needed.
    pub(super) variable: Option<&'static str>,
    /// The body, on one or several lines.
    pub(super) body: Option<&'a str>,
}

/// Renders the command for a call.
pub(super) fn command(call: &Call<'_>) -> Command {
    let mut target = call.path.to_owned();
    for (name, value) in call.path_values {
        target = target.replace(&format!("{{{name}}}"), value);
    }
    let implied = if call.body.is_some() { "POST" } else { "GET" };
    let program = if call.method == implied { "curl".to_owned() } else { format!("curl -X {}", call.method) };
    let mut options = Vec::new();
    if let Some(variable) = call.variable {
        options.push(format!("-H \"Authorization: Bearer ${variable}\""));
    }
    if let Some(body) = call.body {
        options.push("-H 'Content-Type: application/json'".to_owned());
        options.push(format!("-d {}", quoted(body)));
    }
    Command { program, target, options }
}

/// Quotes a text as one shell word.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_method_unless_it_is_implied() {
        let call = Call { method: "GET", path: "/a/{id}", path_values: &[], variable: None, body: None };
        assert_eq!(command(&call).program, "curl");
        assert_eq!(command(&Call { method: "POST", ..call }).program, "curl -X POST");
        assert_eq!(command(&Call { method: "POST", body: Some("{}"), ..call }).program, "curl");
        assert_eq!(command(&Call { method: "PATCH", body: Some("{}"), ..call }).program, "curl -X PATCH");
    }

    #[test]
    fn a_body_is_one_shell_word_and_a_parameter_has_a_value() {
        let values = [("id".to_owned(), "ID".to_owned())];
        let call = Call {
            method: "PATCH",
            path: "/a/{id}",
            path_values: &values,
            variable: Some("KEY"),
            body: Some("{\"a\": \"it's\"}"),
        };
        let command = command(&call);
        assert_eq!(command.target, "/a/ID");
        assert_eq!(command.options[0], "-H \"Authorization: Bearer $KEY\"");
        assert_eq!(command.options[2], r#"-d '{"a": "it'\''s"}'"#);
    }
}
