//! Classifies faults, and removes from a failure's texts the provider's credential and what they repeat of the request.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::classify::own_fields::of_own_fields;
use super::classify::{Fault, Garbage, Interruption, classify, is_by_status, shown};
use super::endpoint::Endpoints;
use super::redact::message::Message;
use super::redact::own_words::{Heard, is_unrelated_page, own_words};
use super::redact::request_text::{KeptPrompt, RequestText};
use super::redact::{is_excerpt, without_excerpts, without_the_unknown};
use crate::domain::failure::Failure;
use crate::domain::failure::scope::FailureScope;
use crate::gateway::request::chat_request::ChatRequest;
use crate::providers::{MessageRules, Sentences, UpstreamError};
use crate::store::snapshot::ProviderEntry;

/// Classifies the faults of one provider's calls.
#[derive(Debug)]
pub(in crate::gateway) struct Classifier<'a> {
    /// The provider that was called.
    pub(in crate::gateway) provider: &'a Arc<ProviderEntry>,
    /// The prepared secrets of providers.
    pub(in crate::gateway) endpoints: &'a Endpoints,
    /// The installation's sentences, which come after the mappings of the organization.
    pub(in crate::gateway) sentences: &'a Sentences,
    /// The current time, for waits until a date.
    pub(in crate::gateway) now: DateTime<Utc>,
}

impl Classifier<'_> {
    /// Classifies a fault of a call without a request of a caller.
    pub(in crate::gateway) fn classify(&self, fault: &Fault) -> Failure {
        self.without_credential(self.class(fault))
    }

    /// Classifies a fault of a call of this request: only the provider's own words blame its model, and no text of the
    /// failure repeats the prompt. `sent` is the provider's name of the model that was called.
    pub(in crate::gateway) fn classify_of(
        &self,
        fault: &Fault,
        request: &ChatRequest,
        sent: &str,
    ) -> Failure {
        let mut failure = self.class(fault);
        let other_results = match fault {
            Fault::Garbage(Garbage::Embeddings | Garbage::NoResult | Garbage::NoChoice) => {
                request.may_get_other_results()
            }
            Fault::Garbage(Garbage::Empty | Garbage::NoContent) => request.has_blank_input(),
            _ => false,
        };
        if other_results {
            failure.scope = FailureScope::Request;
        }
        if let Fault::Upstream(error) = fault {
            let (message, text) = (Message::of(&error.message), request.text());
            let unrelated = is_unrelated_page(error, request);
            if failure.scope != FailureScope::Request && !unrelated {
                failure = self.blamed_by_own_words(failure, (error, &message), (request, sent), &text);
            }
            if !unrelated {
                failure = without_prompt(failure, (error, &message), &text, sent);
            }
        }
        self.without_credential(failure)
    }

    /// Classifies the break of a stream, after its request. Its texts are compared with what was kept of the prompt.
    pub(in crate::gateway) fn classify_break(&self, fault: &Fault, prompt: Option<&KeptPrompt>) -> Failure {
        let mut failure = self.class(fault);
        if let Fault::Interrupted(Interruption::Upstream(error)) = fault {
            let message = Message::of(&error.message);
            let text = prompt.map(KeptPrompt::text).unwrap_or_default();
            failure = without_prompt(failure, (error, &message), &text, "");
            if let Some(length) = without_the_unknown(&message, &text) {
                failure.message = shown(&length, failure.rule, error.status);
            }
        }
        self.without_credential(failure)
    }

    fn class(&self, fault: &Fault) -> Failure {
        classify(fault, MessageRules::new(&self.provider.mappings, self.sentences), self.now)
    }

    /// Only the provider's own words blame the model, not those that it repeats of the request.
    fn blamed_by_own_words(
        &self,
        failure: Failure,
        (error, message): (&UpstreamError, &Message<'_>),
        (request, sent): (&ChatRequest, &str),
        text: &RequestText,
    ) -> Failure {
        let at_most = of_own_fields(&failure, error, request, sent);
        if at_most == Some(FailureScope::Request) {
            return Failure { scope: FailureScope::Request, ..failure };
        }
        // No words were needed to blame it.
        if failure.scope == FailureScope::Open && is_by_status(failure.rule) {
            return failure;
        }
        let failure = self.said_by_the_provider(failure, (error, message), text);
        let blames = matches!(failure.scope, FailureScope::Model | FailureScope::Provider);
        match at_most.filter(|_| blames) {
            Some(scope) => Failure { scope, ..failure },
            None => failure,
        }
    }

    /// The failure by the error without what it repeats of the request.
    fn said_by_the_provider(
        &self,
        failure: Failure,
        (error, message): (&UpstreamError, &Message<'_>),
        text: &RequestText,
    ) -> Failure {
        let (own, unknown) = match own_words(error, message, text) {
            Heard::All => return failure,
            Heard::Rest(own) => (own, false),
            Heard::Unknown => (error.with_message(String::new()), true),
        };
        let own = self.class(&Fault::Upstream(Box::new(own)));
        if unknown && own.class != failure.class {
            return Failure { scope: FailureScope::Open, retry_after: own.retry_after, ..failure };
        }
        let Failure { message, param, code, .. } = failure;
        Failure { message, param, code, ..own }
    }

    /// The provider may repeat our credential, or a token that was made from it, in its error in a form that no pattern
    /// matches, so both are also removed by value from every text that the provider controls.
    fn without_credential(&self, mut failure: Failure) -> Failure {
        let secrets = self.endpoints.secrets(self.provider);
        let Failure { class: _, scope: _, rule: _, status: _, retry_after: _, message, param, code } =
            &mut failure;
        for text in [param, code].into_iter().flatten().chain([message]) {
            if let Some(hidden) = secrets.hide(text) {
                *text = hidden;
            }
        }
        failure
    }
}

/// The failure without what its error repeats of the prompt. `sent` is the provider's name of the model, if it is known.
fn without_prompt(
    failure: Failure,
    (error, message): (&UpstreamError, &Message<'_>),
    text: &RequestText,
    sent: &str,
) -> Failure {
    let own = |label: Option<String>| label.filter(|label| !is_excerpt(label, text, sent));
    let message =
        without_excerpts(message, text, sent).map(|hidden| shown(&hidden, failure.rule, error.status));
    Failure {
        message: message.unwrap_or(failure.message),
        param: own(failure.param),
        code: own(failure.code),
        ..failure
    }
}
