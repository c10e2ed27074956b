//! Simulated tool calls with arguments that satisfy the tool's schema.
//!
//! The first of the caller's tools is called, or the one that `tool_choice` names. Once there is a tool result, the
//! model answers with text.

mod sample;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use sample::Sample;

/// A tool in a request of any dialect. Other kinds than those of the caller are ignored.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Tool<'a> {
    /// As in chat completions, inside of `function`.
    Inside {
        #[serde(borrow)]
        function: Function<'a>,
    },
    /// As in Responses, inside of a namespace.
    Space {
        #[serde(borrow)]
        name: Cow<'a, str>,
        #[serde(borrow)]
        tools: Vec<Function<'a>>,
    },
    /// As in Messages and Responses, at the top.
    AtTheTop(#[serde(borrow)] Function<'a>),
    Other(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(
        default,
        alias = "input_schema",
        alias = "parametersJsonSchema",
        alias = "parameters_json_schema"
    )]
    parameters: Value,
}

impl<'a> Function<'a> {
    /// A function with a schema of its arguments.
    pub(super) fn new(name: Cow<'a, str>, parameters: Value) -> Self {
        Self { kind: Cow::Borrowed("function"), name, parameters }
    }

    /// Whether its input is free text, as of custom tools in Responses.
    fn has_free_text(&self) -> bool {
        self.kind == "custom" && self.parameters.is_null()
    }
}

impl<'a> Tool<'a> {
    /// The namespace and the functions of it.
    fn functions(&self) -> (Option<&str>, &[Function<'a>]) {
        match self {
            Self::Inside { function } | Self::AtTheTop(function) => (None, std::slice::from_ref(function)),
            Self::Space { name, tools } => (Some(&**name), tools),
            Self::Other(_) => (None, &[]),
        }
    }
}

/// The caller's `tool_choice`: a word, a named tool, or an object with both as in Messages.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Choice<'a> {
    Word(#[serde(borrow)] Cow<'a, str>),
    Named {
        #[serde(borrow)]
        function: Name<'a>,
    },
    Typed {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
        #[serde(borrow)]
        name: Option<Cow<'a, str>>,
    },
    Other(serde::de::IgnoredAny),
}

#[derive(Debug, Deserialize)]
pub(super) struct Name<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl Choice<'_> {
    /// The choice of the tool with this name.
    pub(super) fn named(name: String) -> Self {
        Self::Named { function: Name { name: name.into() } }
    }
}

/// A tool call of the simulated model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    /// JSON, encoded as a string, or free text.
    pub(super) arguments: String,
    pub(super) has_free_text: bool,
}

/// The tool call that answers the user message `said`; `None` if there are no tools or `tool_choice` is `none`.
pub(super) fn choose<'t, 'a>(tools: &'t [Tool<'a>], choice: Option<&Choice<'_>>, said: &str) -> Option<Call> {
    let of_tool = |tool: &'t Tool<'a>| {
        let (namespace, functions) = tool.functions();
        functions.iter().map(move |function| (namespace, function))
    };
    let mut functions = tools.iter().flat_map(of_tool);
    let (namespace, function) = match choice {
        Some(Choice::Word(word)) if word == "none" => None,
        Some(Choice::Typed { kind, .. }) if kind == "none" => None,
        Some(Choice::Typed { name: Some(name), .. }) => functions.find(|(_, known)| known.name == *name),
        Some(Choice::Named { function }) => functions.find(|(_, known)| known.name == function.name),
        Some(Choice::Word(_) | Choice::Typed { .. } | Choice::Other(_)) | None => functions.next(),
    }?;
    let (name, namespace) = (function.name.clone().into_owned(), namespace.map(str::to_owned));
    if function.has_free_text() {
        let arguments = if said.is_empty() { "Are you there?" } else { said }.to_owned();
        return Some(Call { name, namespace, arguments, has_free_text: true });
    }
    let sample = Sample { root: &function.parameters, said };
    let arguments = match sample.of(&function.parameters, "", 0) {
        arguments @ Value::Object(_) => arguments,
        _ => Value::Object(Map::new()),
    };
    Some(Call { name, namespace, arguments: arguments.to_string(), has_free_text: false })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::sample::MOST;
    use super::*;

    fn arguments(schema: &Value, said: &str) -> Value {
        let tools =
            json!([{ "type": "function", "function": { "name": "f", "parameters": schema } }]).to_string();
        let tools: Vec<Tool<'_>> = serde_json::from_str(&tools).expect("tools");
        let call = choose(&tools, None, said).expect("a call");
        serde_json::from_str(&call.arguments).expect("JSON")
    }

    #[test]
    fn the_arguments_fit_their_schema() {
        for schema in [
            json!({}),
            json!({ "type": "object", "properties": {} }),
            json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] }),
            json!({ "type": "object", "additionalProperties": false, "required": ["a", "b", "c", "d", "e"], "properties": {
                "a": { "type": "string", "enum": ["celsius", "fahrenheit"] },
                "b": { "type": ["integer", "null"], "minimum": 5, "multipleOf": 4 },
                "c": { "type": "array", "items": { "type": "integer" }, "minItems": 3, "uniqueItems": true },
                "d": { "type": "string", "minLength": 30, "maxLength": 31 },
                "e": { "type": "number", "exclusiveMinimum": 0, "maximum": 1.5 },
            } }),
            json!({ "type": "object", "properties": {
                "when": { "type": "string", "format": "date-time" }, "who": { "type": "string", "format": "uuid" },
                "flag": { "type": "boolean" }, "nothing": { "type": "null" }, "pair": { "prefixItems": [{ "type": "string" }, { "type": "integer" }], "type": "array" },
                "either": { "anyOf": [{ "type": "null" }, { "type": "integer", "maximum": -3 }] },
            } }),
            json!({ "$defs": { "place": { "type": "object", "required": ["name"], "properties": {
                "name": { "type": "string" }, "within": { "$ref": "#/$defs/place" } } } },
                "type": "object", "required": ["place"], "properties": { "place": { "$ref": "#/$defs/place" } } }),
            json!({ "allOf": [
                { "type": "object", "required": ["x"], "properties": { "x": { "type": "integer" } } },
                { "type": "object", "required": ["y"], "properties": { "y": { "const": "fixed" } } },
            ] }),
            json!({ "type": "object", "required": ["list"], "properties": { "list": { "type": "array", "maxItems": 0 } } }),
        ] {
            let made = arguments(&schema, "What is the weather in Paris?");
            let validator = jsonschema::validator_for(&schema).expect("a schema");
            let faults: Vec<String> = validator.iter_errors(&made).map(|fault| fault.to_string()).collect();
            assert!(faults.is_empty(), "{schema}: {made}: {faults:?}");
        }
    }

    #[test]
    fn a_schema_without_an_end_is_cut_off() {
        let endless = json!({ "type": "object", "required": ["a"], "properties": { "a": { "$ref": "#" } } });
        assert!(arguments(&endless, "").is_object());
        let wide: Vec<String> = (0..1_000).map(|number| format!("m{number}")).collect();
        assert_eq!(
            arguments(&json!({ "required": wide, "properties": {} }), "")
                .as_object()
                .expect("an object")
                .len(),
            MOST
        );
    }

    #[test]
    fn the_argument_is_what_was_asked_about() {
        let schema = json!({ "properties": { "city": { "type": "string" }, "query": { "type": "string" } } });
        let said = "What is the weather in Paris?";
        assert_eq!(arguments(&schema, said), json!({ "city": "Paris", "query": said }));
        assert_eq!(arguments(&schema, "")["city"], "Berlin");
    }

    #[test]
    fn the_caller_may_name_the_tool_or_want_none() {
        let tools = r#"[{"type":"web_search"},{"type":"function","function":{"name":"one"}},{"type":"function","function":{"name":"two"}}]"#;
        let tools: Vec<Tool<'_>> = serde_json::from_str(tools).expect("tools");
        let called = |choice: Option<&str>| {
            let choice: Option<Choice<'_>> =
                choice.map(|choice| serde_json::from_str(choice).expect("a choice"));
            choose(&tools, choice.as_ref(), "").map(|call| call.name)
        };
        assert_eq!(called(None).as_deref(), Some("one"));
        assert_eq!(called(Some("\"auto\"")).as_deref(), Some("one"));
        assert_eq!(called(Some("\"required\"")).as_deref(), Some("one"));
        assert_eq!(called(Some("\"none\"")), None);
        assert_eq!(called(Some(r#"{"type":"function","function":{"name":"two"}}"#)).as_deref(), Some("two"));
        assert_eq!(called(Some(r#"{"type":"function","function":{"name":"three"}}"#)), None);
    }
}
