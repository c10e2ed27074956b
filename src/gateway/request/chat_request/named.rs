//! Requests to a path that names the model, as Azure's clients send them.

use bytes::Bytes;

use super::{ChatRequest, member, not_an_object, with_whole_characters};
use crate::domain::error::{Error, Result};
use crate::gateway::request::json_object::{RawMember, RawObject};

/// A body to which the model was added. It keeps the original body, which is counted against the memory share, alive.
struct Rewritten {
    text: Vec<u8>,
    _counted: Bytes,
}

impl AsRef<[u8]> for Rewritten {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl ChatRequest {
    /// Parses a body that may leave out the model.
    ///
    /// # Errors
    /// As [`ChatRequest::parse`], or the body names another model.
    pub fn parse_for(model: &str, body: Bytes) -> Result<Self> {
        let body = with_whole_characters(body);
        let members = RawObject::parse(&body).map_err(|error| not_an_object(&error))?;
        let named: Option<String> = member(&members, "model", "a string, the name of a model")?;
        match named {
            Some(named) if named == model => return Self::parse(body),
            Some(_) => {
                let message =
                    "'model' differs from the model in the path. Leave it out, or send the same name.";
                return Err(Error::refused(Some("model"), "conflicting_fields", message));
            }
            None => {}
        }
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut text = Vec::with_capacity(body.len() + model.len() + 16);
        text.extend_from_slice(b"{\"model\":");
        text.extend_from_slice(quoted(model).as_bytes());
        for RawMember { name, value } in members.0.iter().filter(|member| member.name != "model") {
            text.push(b',');
            text.extend_from_slice(quoted(name).as_bytes());
            text.push(b':');
            text.extend_from_slice(value.bytes());
        }
        text.push(b'}');
        let counted = body.clone();
        Self::parse(Bytes::from_owner(Rewritten { text, _counted: counted }))
    }
}
