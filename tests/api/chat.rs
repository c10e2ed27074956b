//! `POST /v1/chat/completions`, and the models that it accepts.

mod azure_deployments;
mod bad_input;
mod body_adaptation;
mod caller_isolation;
mod cooldown;
mod credential_echo;
mod credentials;
mod cross_vendor;
mod disconnect;
mod drills;
mod durability;
mod errors;
mod failover;
mod failures;
pub(crate) mod faults;
mod filtered_answers;
mod golden;
mod headers;
mod history_members;
mod keepalive;
mod limits;
mod models;
mod name_resolution;
mod outbound_calls;
mod own_fields;
mod own_words;
mod passthrough;
mod pricing;
mod probe_limits;
mod recording;
mod requirements;
mod respelled_echo;
mod response_formats;
mod retries;
mod sentences_file;
mod stored_fallbacks;
mod stream_broken;
mod stream_options;
mod stream_start;
mod stream_truncation;
mod timeouts;
mod two_processes;
mod unusable_answers;

use serde_json::Value;

use crate::support::fake_provider::FakeProvider;

/// The upstream names of all requests so far, in order.
fn called(fake: &FakeProvider) -> Vec<String> {
    fake.requests().into_iter().map(|request| request.model.unwrap_or_default()).collect()
}

/// Some members of each object, in the format of the expectation: an array of arrays.
fn pick(items: &[Value], members: &[&str]) -> Value {
    let row = |item: &Value| members.iter().map(|member| item[member].clone()).collect();
    items.iter().map(row).collect::<Vec<Value>>().into()
}
