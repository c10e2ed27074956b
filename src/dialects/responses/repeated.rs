//! What an answer repeats of its request, and the names that its calls have.

use super::tools::{self, Origins};
use crate::dialects::change::Changes;
use crate::dialects::members::Members;

/// The members that an answer repeats, each with its value if the request has none.
const MEMBERS: [(&str, &str); 13] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("reasoning", r#"{"effort":null,"summary":null}"#),
    ("temperature", "null"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", "\"auto\""),
    ("tools", "[]"),
    ("top_p", "null"),
    ("truncation", "\"disabled\""),
    ("user", "null"),
];

/// The members that are the same in every answer: nothing is stored.
const FIXED: &str = r#""background":false,"previous_response_id":null,"store":false"#;

/// The longest value that is repeated, in bytes. A stream repeats each three times.
const LONGEST: usize = 64 * 1024;

/// What an answer repeats of its request, and the names that its calls have.
#[derive(Debug)]
pub struct Repeated {
    /// The members as JSON, without braces.
    members: String,
    /// The tools that a model of another dialect knows otherwise.
    pub origins: Origins,
}

impl Repeated {
    /// Reads a request that was translated.
    #[must_use]
    pub fn of(members: &Members<'_>) -> Self {
        let tools = tools::read(members, &mut Changes::default());
        let value = |name: &str, absent: &str| {
            let own = members.raw(name).map(|value| value.get()).filter(|value| value.len() <= LONGEST);
            ["\"", name, "\":", own.unwrap_or(absent), ","].concat()
        };
        let members: String = MEMBERS.iter().map(|(name, absent)| value(name, absent)).collect();
        Self { members: members + FIXED, origins: tools.map(|tools| tools.origins).unwrap_or_default() }
    }

    /// The members as JSON, without braces.
    #[must_use]
    pub fn members(&self) -> &str {
        &self.members
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_clients_require_is_always_there() {
        for (request, expected) in [
            ("{}", json!({"tools": [], "tool_choice": "auto", "parallel_tool_calls": true, "store": false})),
            (
                r#"{"instructions":"Be brief.","tools":[{"type":"custom","name":"p"}],"parallel_tool_calls":false,"store":true}"#,
                json!({"instructions": "Be brief.", "tools": [{"type": "custom", "name": "p"}], "parallel_tool_calls": false, "store": false}),
            ),
        ] {
            let members: Members<'_> = serde_json::from_str(request).expect(request);
            let repeated = Repeated::of(&members);
            let object: Value = serde_json::from_str(&format!("{{{}}}", repeated.members())).expect("JSON");
            for (name, value) in expected.as_object().expect("an object") {
                assert_eq!(&object[name], value, "{name}");
            }
            assert_eq!(repeated.origins.of("p").is_some(), request.contains("custom"));
        }
        let long = format!(r#"{{"instructions":"{}"}}"#, "x".repeat(LONGEST));
        let members: Members<'_> = serde_json::from_str(&long).expect("JSON");
        assert!(Repeated::of(&members).members().starts_with("\"instructions\":null,"));
    }
}
