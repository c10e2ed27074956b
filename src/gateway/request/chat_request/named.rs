//! Requests to a path that names the model, as Azure's clients send them.

use bytes::Bytes;

use super::{ChatRequest, body, member};
use crate::dialects::Dialect;
use crate::domain::error::{Error, Result};
use crate::domain::operation::Operation;
use crate::gateway::request::json_object::{RawMember, RawObject, quoted};

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
    pub fn parse_for(operation: Operation, model: &str, body: Bytes) -> Result<Self> {
        body::read(body, |body, members| {
            let named: Option<String> = member(members, "model", "a string, the name of a model")?;
            match named {
                None => Self::parse_operation(operation, with_model(model, body, members)),
                Some(named) if named == model => {
                    Self::of_members((Dialect::ChatCompletions, operation), body, members)
                }
                Some(_) => {
                    let message =
                        "'model' differs from the model in the path. Leave it out, or send the same name.";
                    Err(Error::refused(Some("model"), "conflicting_fields", message))
                }
            }
        })
    }
}

/// The body with the model before its other members.
fn with_model(model: &str, body: &Bytes, members: &RawObject<'_>) -> Bytes {
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
    Bytes::from_owner(Rewritten { text, _counted: body.clone() })
}
