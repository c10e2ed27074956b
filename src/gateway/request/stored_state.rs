//! What a request refers to that one provider stores.
//!
//! The ids of OpenAI's responses and of their items were given out by the gateway, so they name their provider. Conversations,
//! prompts, files, sound and containers were made at a provider without the gateway, or have ids that pass as they are. Their
//! provider is that of the first model that speaks the dialect, for which the caller wrote the request.
//!
//! Anthropic's Messages may continue a thread. Its id is of the provider, and nothing of it says which one: a provider that
//! does not know it says so, and then clients send the whole conversation.

use entity::ids::ProviderId;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::dialects::chat;
use crate::dialects::messages::content;
use crate::dialects::messages::read_request::continues;
use crate::dialects::need::Need;
use crate::dialects::responses::stored;
use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;

/// What a request refers to that one provider stores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::gateway) struct StoredState {
    /// The provider of the response before it, `Some(None)` if its id names none.
    previous: Option<Option<Uuid>>,
    /// The providers of items by reference.
    items: Vec<Uuid>,
    /// Whether it refers to something that was made without the gateway.
    made_elsewhere: bool,
    /// Whether it continues a thread, in Messages.
    thread: bool,
}

impl StoredState {
    /// Reads the members of a request.
    pub(super) fn read<'a>(members: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut state = Self::default();
        for (name, value) in members {
            match name {
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

    /// Reads the members of a chat completion.
    pub(super) fn of_chat<'a>(mut members: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let made_elsewhere = members.any(|(name, value)| match name {
            "messages" => chat::stored::refer(value),
            "tools" => stored::tools_refer(value),
            _ => false,
        });
        Self { made_elsewhere, ..Self::default() }
    }

    /// Reads the members of a request of Messages.
    pub(super) fn of_messages<'a>(members: impl Iterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut state = Self::default();
        for (name, value) in members {
            let json = || serde_json::from_slice::<&RawValue>(value);
            match name {
                "messages" => state.made_elsewhere |= content::stored::refer(value),
                "container" => state.made_elsewhere |= json().is_ok_and(content::stored::is_kept),
                "thread" => state.thread = json().is_ok_and(continues),
                _ => {}
            }
        }
        state
    }

    /// Whether the request refers to something that was made without the gateway.
    pub(super) fn was_made_elsewhere(&self) -> bool {
        self.made_elsewhere
    }

    /// Whether the request continues a thread.
    pub(super) fn continues_thread(&self) -> bool {
        self.thread
    }

    /// Whether the request continues a response.
    pub(super) fn has_previous_response(&self) -> bool {
        self.previous.is_some()
    }

    /// Whether the request continues a response of which the id names no provider.
    pub(super) fn has_unmarked_response(&self) -> bool {
        self.previous == Some(None)
    }

    /// What the provider does not store. `primary` is the provider of what was made without the gateway, and `only` the one that stores a response
    /// of which the id names none.
    pub(super) fn lacking(
        &self,
        provider: ProviderId,
        primary: Option<ProviderId>,
        only: Option<ProviderId>,
    ) -> Option<Need> {
        let previous = self.previous.map(|previous| previous.or(only.map(|only| only.0)));
        if previous.is_some_and(|previous| previous != Some(provider.0)) {
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

/// The failure of a request with a previous response that cannot be continued, in place of that of its provider: the provider does not
/// have it, or no model of the provider may be called. `None` for a failure that may pass, or that the whole conversation would
/// have, too.
pub(super) fn not_found(failure: &Failure) -> Option<Failure> {
    if is_gone(failure) {
        return Some(previous_not_found(&failure.message));
    }
    match failure.class {
        ErrorClass::Disabled | ErrorClass::LacksCapability => Some(previous_not_found(&format!(
            "Previous response not found: no model of the provider that stores it may be called. Send the whole conversation as 'input', which another model can answer. {}",
            failure.message
        ))),
        ErrorClass::RateLimited
        | ErrorClass::QuotaExhausted
        | ErrorClass::Overloaded
        | ErrorClass::Unavailable
        | ErrorClass::Timeout
        | ErrorClass::Authentication
        | ErrorClass::ModelNotFound
        | ErrorClass::InvalidResponse
        | ErrorClass::Cooldown
        | ErrorClass::ContextWindowExceeded
        | ErrorClass::ContentPolicy
        | ErrorClass::InvalidRequest
        | ErrorClass::StreamInterrupted
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::NoHeadroom
        | ErrorClass::Deadline
        | ErrorClass::TooLarge => None,
    }
}

/// The rule of a provider's answer that it does not hold the thread.
const LOST_THREAD: &str = "inner_code:thread_not_found";

/// The failure of a request that continues a thread which no model can continue, in place of that of its provider. Clients send the
/// whole conversation then, which models can answer that were passed over. `None` for a failure that this would have, too.
/// `passed_over` tells whether there are such models.
pub(super) fn thread_not_found(failure: &Failure, passed_over: bool) -> Option<Failure> {
    let is_lost = failure.rule == LOST_THREAD || failure.code.as_deref() == Some(Need::Thread.code());
    let need = Need::Thread;
    let lost = || Failure {
        param: Some(need.param().to_owned()),
        code: Some(need.code().to_owned()),
        ..Failure::ours(
            ErrorClass::InvalidRequest,
            need.rule(),
            &format!("The thread cannot be continued: {need}. {}", failure.message),
        )
    };
    if is_lost {
        return Some(lost());
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
        | ErrorClass::LacksCapability
        | ErrorClass::NoHeadroom => passed_over.then(lost),
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
