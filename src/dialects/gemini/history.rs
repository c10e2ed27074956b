//! The signatures and the ids of the calls in a conversation, as an endpoint and a model take them.

use std::collections::BTreeSet;

use memchr::memmem;
use serde_json::value::RawValue;

use super::signature::{self, Signer};
use crate::dialects::change::{Changes, Verb};
use crate::dialects::ids::may_be_random;
use crate::dialects::members::{Members, list};

/// What Google documents in place of a signature, for calls that another model made (V
/// ai.google.dev/gemini-api/docs/thought-signatures).
pub const NO_SIGNATURE: &str = "skip_thought_signature_validator";

/// Which signatures a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The endpoint, which knows its own; `None` if it refused those.
    pub signer: Option<Signer>,
    /// Whether the first call of each answer must have one.
    pub required: bool,
}

/// The contents with the signatures and the ids that are taken. `None` if there are no calls.
#[must_use]
pub fn fitted(contents: &[u8], taken: Taken, changes: &mut Changes) -> Option<String> {
    memmem::find(contents, b"\"functionCall\"")?;
    let contents: &RawValue = serde_json::from_slice(contents).ok()?;
    let mut fitting = Fitting { taken, changes, ids: BTreeSet::new() };
    let fitted: Vec<String> = list(contents)?.into_iter().map(|content| fitting.content(content)).collect();
    Some(format!("[{}]", fitted.join(",")))
}

struct Fitting<'c> {
    taken: Taken,
    changes: &'c mut Changes,
    /// The ids of the calls before, as far as they are sent.
    ids: BTreeSet<String>,
}

impl Fitting<'_> {
    fn content(&mut self, content: &RawValue) -> String {
        let own = || content.get().to_owned();
        let Some(members) = Members::of(content) else { return own() };
        let Some(parts) = members.list("parts") else { return own() };
        let is_of_model = members.text("role").as_deref() == Some("model");
        let fitted: Vec<String> = if is_of_model {
            self.calls(parts)
        } else {
            parts.into_iter().map(|part| self.response(part)).collect()
        };
        let role = if is_of_model { "model" } else { "user" };
        format!(r#"{{"role":"{role}","parts":[{}]}}"#, fitted.join(","))
    }

    /// The parts of an answer. Its ids are Gemini's own if its calls have a signature of the same endpoint; Vertex AI refuses them
    /// (R vercel/ai#15664, pydantic/pydantic-ai#5081).
    fn calls(&mut self, parts: Vec<&RawValue>) -> Vec<String> {
        let parts: Vec<(&RawValue, Option<Part<'_>>)> =
            parts.into_iter().map(|part| (part, Part::of(part))).collect();
        let calls = || parts.iter().filter_map(|(_, call)| call.as_ref());
        let is_own = calls().any(|call| call.signature_of(self.taken.signer).is_some());
        let knows_ids = is_own && self.taken.signer == Some(Signer::Studio);
        let native = calls().filter_map(|call| call.id.clone()).filter(|id| !may_be_random(id));
        self.ids = native.filter(|_| knows_ids).collect();
        let mut first = true;
        let mut fitted = Vec::with_capacity(parts.len());
        for (part, call) in &parts {
            fitted.push(match call {
                Some(call) => self.call(call, std::mem::take(&mut first)),
                None => part.get().to_owned(),
            });
        }
        fitted
    }

    fn call(&mut self, call: &Part<'_>, is_first: bool) -> String {
        let own = call.signature_of(self.taken.signer);
        let sent = match own {
            None if self.taken.required && is_first => {
                self.changes.note(Verb::Placeholder, "signature");
                Some(NO_SIGNATURE)
            }
            None => {
                if call.marked.is_some() {
                    self.changes.stripped("thinking");
                }
                None
            }
            own => own,
        };
        let signature = sent.and_then(|sent| serde_json::to_string(sent).ok());
        let signature =
            signature.map(|signature| format!(",\"thoughtSignature\":{signature}")).unwrap_or_default();
        let json = self.identified(call.json, call.id.as_deref(), ["name", "args"]);
        format!("{{\"functionCall\":{json}{signature}}}")
    }

    /// A part of a user. The id of a result is sent if that of its call is.
    fn response(&self, part: &RawValue) -> String {
        let response = Members::of(part).and_then(|part| part.raw("functionResponse"));
        let Some(response) = response else { return part.get().to_owned() };
        let id = Members::of(response).and_then(|response| response.text("id"));
        let json = self.identified(response, id.as_deref(), ["name", "response"]);
        format!("{{\"functionResponse\":{json}}}")
    }

    /// A call or a result, of which the others are the members besides its id.
    fn identified(&self, json: &RawValue, id: Option<&str>, others: [&str; 2]) -> String {
        let members = Members::of(json).filter(|_| id.is_some_and(|id| !self.ids.contains(id)));
        let Some(members) = members else { return json.get().to_owned() };
        let kept = others.iter().filter_map(|name| Some((name, members.raw(name)?.get())));
        let kept: Vec<String> = kept.map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", kept.join(","))
    }
}

/// A part with a call.
struct Part<'a> {
    /// The call as JSON.
    json: &'a RawValue,
    id: Option<String>,
    /// The signature with the mark of the endpoint that made it.
    marked: Option<String>,
}

impl<'a> Part<'a> {
    /// A part with a call; `None` if it has none.
    fn of(part: &'a RawValue) -> Option<Self> {
        let members = Members::of(part)?;
        let json = members.raw("functionCall")?;
        let id = Members::of(json).and_then(|call| call.text("id"));
        Some(Self { json, id, marked: members.text("thoughtSignature") })
    }

    /// The signature of this endpoint.
    fn signature_of(&self, signer: Option<Signer>) -> Option<&str> {
        let known = self.marked.as_deref().and_then(signature::read);
        known.filter(|(made, _)| Some(*made) == signer).map(|(_, own)| own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(signature: Option<&str>) -> String {
        let signature = signature.map(|signature| format!(r#","thoughtSignature":"{signature}""#));
        format!(
            r#"{{"functionCall":{{"name":"f","args":{{"b":1,"a":2}}}}{}}}"#,
            signature.unwrap_or_default()
        )
    }

    fn model(parts: &[String]) -> String {
        format!(r#"{{"role":"model","parts":[{}]}}"#, parts.join(","))
    }

    #[test]
    fn a_signature_goes_back_to_the_endpoint_that_made_it() {
        let user = r#"{"role":"user","parts":[{"text":"\"functionCall\""}]}"#;
        let (studio, vertex) = (Signer::Studio.marked("c2ln"), Signer::Vertex.marked("eA=="));
        let text = r#"{"text":"Hi"}"#.to_owned();
        let sent = format!(
            "[{user},{},{},{}]",
            model(&[text.clone(), call(Some(&studio)), call(None)]),
            model(&[call(Some(&vertex))]),
            model(&[call(None)])
        );
        let all = |one: &[String], two: &[String], three: &[String]| {
            Some(format!("[{user},{},{},{}]", model(one), model(two), model(three)))
        };
        let none = || call(Some(NO_SIGNATURE));
        for (signer, required, expected, names) in [
            (
                Some(Signer::Studio),
                true,
                all(&[text.clone(), call(Some("c2ln")), call(None)], &[none()], &[none()]),
                vec!["placeholder:signature"],
            ),
            (
                Some(Signer::Vertex),
                false,
                all(&[text.clone(), call(None), call(None)], &[call(Some("eA=="))], &[call(None)]),
                vec!["stripped:thinking"],
            ),
            (
                None,
                true,
                all(&[text.clone(), none(), call(None)], &[none()], &[none()]),
                vec!["placeholder:signature"],
            ),
        ] {
            let mut changes = Changes::default();
            assert_eq!(fitted(sent.as_bytes(), Taken { signer, required }, &mut changes), expected);
            assert_eq!(changes.into_names(), names);
        }
        let taken = Taken { signer: None, required: true };
        assert_eq!(
            fitted(br#"[{"role":"user","parts":[{"text":"Hi"}]}]"#, taken, &mut Changes::default()),
            None
        );
    }

    #[test]
    fn ids_go_back_to_the_endpoint_that_gave_them() {
        let made = format!("call_{}", "0".repeat(32));
        let round = |[one, other]: [&str; 2], signature: &str| {
            let id = |id: &str| if id.is_empty() { String::new() } else { format!(r#""id":"{id}","#) };
            let call = |id: String| format!(r#"{{"functionCall":{{{id}"name":"f","args":{{"id":"x"}}}}"#);
            let result = |id: String| {
                format!(r#"{{"functionResponse":{{{id}"name":"f","response":{{"result":"R"}}}}}}"#)
            };
            format!(
                r#"[{{"role":"user","parts":[{{"text":"Go"}}]}},{{"role":"model","parts":[{}{signature}}},{}}}]}},{{"role":"user","parts":[{},{}]}}]"#,
                call(id(one)),
                call(id(other)),
                result(id(one)),
                result(id(other)),
            )
        };
        let signed = |signature: &str| format!(r#","thoughtSignature":"{signature}""#);
        let (studio, vertex) =
            (signed(&Signer::Studio.marked("c2ln")), signed(&Signer::Vertex.marked("c2ln")));
        for (sent, signer, expected) in [
            (round(["a", "b"], &studio), Signer::Studio, round(["a", "b"], &signed("c2ln"))),
            // It gave the second call none.
            (round(["a", &made], &studio), Signer::Studio, round(["a", ""], &signed("c2ln"))),
            (round(["a", "b"], &vertex), Signer::Vertex, round(["", ""], &signed("c2ln"))),
            (round(["toolu_1", "toolu_2"], ""), Signer::Studio, round(["", ""], "")),
            (round(["a", "b"], &vertex), Signer::Studio, round(["", ""], "")),
        ] {
            let taken = Taken { signer: Some(signer), required: false };
            assert_eq!(fitted(sent.as_bytes(), taken, &mut Changes::default()), Some(expected), "{sent}");
        }
    }
}
