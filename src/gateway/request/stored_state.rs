//! What a request refers to that one provider stores, and the mark with which the ids of such things name their provider.
//!
//! Only OpenAI's Responses refer to it. The ids of responses and of their items were given out by the gateway, so they name
//! their provider. Conversations, prompts and files were made at a provider without the gateway. Their provider is that of the
//! first model, for which the caller wrote the request.

use entity::ids::ProviderId;
use uuid::Uuid;

use super::chat_request::ChatRequest;
use crate::dialects::Dialect;
use crate::dialects::need::Need;
use crate::dialects::responses::stored;
use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::store::snapshot::ModelEntry;

/// What a request refers to that one provider stores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::gateway) struct StoredState {
    /// The provider of the response before it, `Some(None)` if its id names none.
    previous: Option<Option<Uuid>>,
    /// The providers of items by reference.
    items: Vec<Uuid>,
    /// Whether it refers to something that was made without the gateway.
    made_elsewhere: bool,
}

impl StoredState {
    fn read(request: &ChatRequest) -> Self {
        let mut state = Self::default();
        for part in &request.parts {
            let value = request.value(part);
            match part.name.as_str() {
                "previous_response_id" => {
                    // A value of another type is refused by its provider.
                    let id = serde_json::from_slice::<String>(value).ok();
                    state.previous = id.map(|id| stored::provider_of(&id));
                }
                "conversation" | "prompt" => state.made_elsewhere |= !matches!(value, b"null" | b"\"\""),
                "tools" => state.made_elsewhere |= stored::tools_refer(value),
                "input" => {
                    let references = stored::references(value);
                    state.made_elsewhere |= references.files || references.items.contains(&None);
                    state.items.extend(references.items.into_iter().flatten());
                }
                _ => {}
            }
        }
        state
    }

    /// Whether the request continues a response.
    pub(super) fn has_previous_response(&self) -> bool {
        self.previous.is_some()
    }

    /// What the provider does not store. `primary` is the provider of the first model.
    pub(super) fn lacking(&self, provider: ProviderId, primary: Option<ProviderId>) -> Option<Need> {
        if self.previous.is_some_and(|previous| previous != Some(provider.0)) {
            return Some(Need::PreviousResponse);
        }
        let is_known = self.previous.is_some() || !self.items.is_empty();
        let of_others = self.items.iter().any(|item| *item != provider.0);
        let made_elsewhere =
            self.made_elsewhere && !is_known && primary.is_some_and(|primary| primary != provider);
        (of_others || made_elsewhere).then_some(Need::StoredState)
    }
}

/// Whether a provider says that it does not have the previous response.
pub(super) fn is_gone(failure: &Failure) -> bool {
    failure.code.as_deref() == Some(Need::PreviousResponse.code())
}

/// The failure of a request whose previous response cannot be continued now, in place of that of its provider. `None` for a
/// failure that the whole conversation would have, too.
pub(super) fn not_found(failure: &Failure) -> Option<Failure> {
    if is_gone(failure) {
        return Some(previous_not_found(&failure.message));
    }
    match failure.class {
        ErrorClass::RateLimited
        | ErrorClass::QuotaExhausted
        | ErrorClass::Overloaded
        | ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::Authentication
        | ErrorClass::ModelNotFound
        | ErrorClass::InvalidResponse
        | ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::LacksCapability => Some(previous_not_found(&format!(
            "Previous response not found: the provider that stores it does not answer. Send the whole conversation as 'input', which another model can answer. {}",
            failure.message
        ))),
        ErrorClass::ContextWindowExceeded
        | ErrorClass::ContentPolicy
        | ErrorClass::InvalidRequest
        | ErrorClass::StreamInterrupted
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::Deadline
        | ErrorClass::TooLarge => None,
    }
}

fn previous_not_found(message: &str) -> Failure {
    let need = Need::PreviousResponse;
    Failure {
        param: Some(need.param().to_owned()),
        code: Some(need.code().to_owned()),
        ..Failure::ours(ErrorClass::InvalidRequest, need.rule(), message)
    }
}

impl ChatRequest {
    /// What the request refers to that one provider stores, read once.
    pub(super) fn stored_state(&self) -> &StoredState {
        self.stored_state.get_or_init(|| match self.dialect {
            Dialect::Responses => StoredState::read(self),
            Dialect::ChatCompletions | Dialect::Messages | Dialect::Gemini | Dialect::Converse => {
                StoredState::default()
            }
        })
    }

    /// The mark for the ids of what the provider of a model stores of the answer. `None` if it stores nothing.
    #[must_use]
    pub fn mark_of(&self, model: &ModelEntry) -> Option<String> {
        let is_unwanted =
            || self.parts.iter().any(|part| part.name == "store" && self.value(part) == b"false");
        let is_stored = self.dialect == Dialect::Responses && self.is_spoken_by(model) && !is_unwanted();
        is_stored.then(|| stored::mark(model.provider.id.0))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    const FIRST: ProviderId = ProviderId(Uuid::from_u128(1));
    const SECOND: ProviderId = ProviderId(Uuid::from_u128(2));

    /// What the two providers lack for a request whose first model is of the first one.
    fn lacking(members: &str) -> [Option<Need>; 2] {
        let body = format!(r#"{{"model":"m",{members}}}"#);
        let request = ChatRequest::parse_as(Dialect::Responses, Bytes::from(body)).expect(members);
        let state = request.stored_state();
        [FIRST, SECOND].map(|provider| state.lacking(provider, Some(FIRST)))
    }

    #[test]
    fn a_request_is_for_the_provider_that_stores_what_it_refers_to() {
        let marked = |own: &str, provider: ProviderId| format!("{own}{}", stored::mark(provider.0));
        let of_second = marked("resp_1", SECOND);
        let item = |id: &str| format!(r#"{{"type":"item_reference","id":"{id}"}}"#);
        let (previous, state) = (Some(Need::PreviousResponse), Some(Need::StoredState));
        for (members, expected) in [
            (r#""input":"Hi""#.to_owned(), [None, None]),
            (format!(r#""previous_response_id":"{of_second}""#), [previous, None]),
            (r#""previous_response_id":"resp_1""#.to_owned(), [previous, previous]),
            (r#""previous_response_id":null"#.to_owned(), [None, None]),
            (format!(r#""input":[{}]"#, item(&marked("msg_1", SECOND))), [state, None]),
            (
                format!(r#""input":[{},{}]"#, item(&marked("a", FIRST)), item(&marked("b", SECOND))),
                [state, state],
            ),
            (format!(r#""input":[{}]"#, item("msg_1")), [None, state]),
            (r#""conversation":"conv_1""#.to_owned(), [None, state]),
            (r#""conversation":null,"prompt":null"#.to_owned(), [None, None]),
            (r#""prompt":{"id":"pmpt_1"}"#.to_owned(), [None, state]),
            (
                r#""input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]"#.to_owned(),
                [None, state],
            ),
            (
                format!(
                    r#""previous_response_id":"{of_second}","tools":[{{"type":"file_search","vector_store_ids":["v"]}}]"#
                ),
                [previous, None],
            ),
        ] {
            assert_eq!(lacking(&members), expected, "{members}");
        }
    }
}
