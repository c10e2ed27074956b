//! Classifies a fault and removes the provider's credential from the failure's texts.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::classify::{Fault, classify};
use super::endpoint::Endpoints;
use crate::domain::failure::Failure;
use crate::providers::{MessageRules, Sentences};
use crate::store::snapshot::ProviderEntry;

/// Classifies a fault, by the organization's mappings first and the installation's sentences second. The provider may
/// repeat our credential in its error in a form that no pattern matches, so it is also removed by value from every
/// text that the provider controls.
pub(in crate::gateway) fn classify_and_redact(
    fault: Fault,
    provider: &Arc<ProviderEntry>,
    endpoints: &Endpoints,
    sentences: &Sentences,
    now: DateTime<Utc>,
) -> Failure {
    let mut failure = classify(&fault, MessageRules::new(&provider.mappings, sentences), now);
    if let Some(credential) = endpoints.credential(provider) {
        let Failure { class: _, scope: _, rule: _, status: _, retry_after: _, message, param, code } =
            &mut failure;
        for text in [param, code].into_iter().flatten().chain([message]) {
            if let Some(hidden) = credential.hide(text) {
                *text = hidden;
            }
        }
    }
    failure
}
