//! The signatures of the calls in a conversation, as an endpoint and a model take them.

use memchr::memmem;
use serde_json::value::RawValue;

use super::signature::{self, Signer};
use crate::dialects::change::{Changes, Verb};
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

/// The contents with the signatures that are taken. `None` if there are no calls.
#[must_use]
pub fn fitted(contents: &[u8], taken: Taken, changes: &mut Changes) -> Option<String> {
    memmem::find(contents, b"\"functionCall\"")?;
    let contents: &RawValue = serde_json::from_slice(contents).ok()?;
    let fitted: Vec<String> =
        list(contents)?.into_iter().map(|content| self::content(content, taken, changes)).collect();
    Some(format!("[{}]", fitted.join(",")))
}

fn content(content: &RawValue, taken: Taken, changes: &mut Changes) -> String {
    let own = || content.get().to_owned();
    let Some(members) = Members::of(content) else { return own() };
    let Some(parts) = members.list("parts").filter(|_| members.text("role").as_deref() == Some("model"))
    else {
        return own();
    };
    let mut first = true;
    let fitted: Vec<String> =
        parts.into_iter().map(|part| self::part(part, taken, &mut first, changes)).collect();
    format!(r#"{{"role":"model","parts":[{}]}}"#, fitted.join(","))
}

fn part(part: &RawValue, taken: Taken, first: &mut bool, changes: &mut Changes) -> String {
    let Some(members) = Members::of(part) else { return part.get().to_owned() };
    let Some(call) = members.raw("functionCall") else { return part.get().to_owned() };
    let is_first = std::mem::take(first);
    let marked = members.text("thoughtSignature");
    let known = marked.as_deref().and_then(signature::read);
    let own = known.filter(|(signer, _)| Some(*signer) == taken.signer).map(|(_, own)| own);
    let sent = match own {
        None if taken.required && is_first => {
            changes.note(Verb::Placeholder, "signature");
            Some(NO_SIGNATURE)
        }
        None => {
            if marked.is_some() {
                changes.stripped("thinking");
            }
            None
        }
        own => own,
    };
    let signature = sent.and_then(|sent| serde_json::to_string(sent).ok());
    let signature =
        signature.map(|signature| format!(",\"thoughtSignature\":{signature}")).unwrap_or_default();
    format!("{{\"functionCall\":{}{signature}}}", call.get())
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
}
