//! A call of an operation as a command for a shell.

/// A command without the server's address, which only a request knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What stands before the address: `curl`, and the method where it must be said.
    pub program: String,
    /// Path and query, to be put behind the address.
    pub target: String,
    /// One option on each further line.
    pub options: Vec<String>,
}

/// What a command is made of.
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    /// Values for the path's parameters.
    pub(super) path_values: &'a [(String, String)],
    /// Which credential: none, a key, or the operator's token.
    pub(super) variable: Option<&'static str>,
    /// The body, on one line or several.
    pub(super) body: Option<&'a str>,
}

/// Spells the call.
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

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_method_only_where_it_is_not_implied() {
        let call = Call { method: "GET", path: "/a/{id}", path_values: &[], variable: None, body: None };
        assert_eq!(command(&call).program, "curl");
        assert_eq!(command(&Call { method: "POST", ..call }).program, "curl -X POST");
        assert_eq!(command(&Call { method: "POST", body: Some("{}"), ..call }).program, "curl");
        assert_eq!(command(&Call { method: "PATCH", body: Some("{}"), ..call }).program, "curl -X PATCH");
    }

    #[test]
    fn a_body_is_one_word_and_a_parameter_has_a_value() {
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
