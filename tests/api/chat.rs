//! `POST /v1/chat/completions`, and the models that it accepts.

mod adapt;
mod bad_input;
mod borders;
mod closing;
mod cooldown;
mod credentials;
mod disconnect;
mod drills;
mod echoes;
mod errors;
mod failover;
mod faults;
mod filtered;
mod fit;
mod forms;
mod golden;
mod headers;
mod keepalive;
mod ledger;
mod limits;
mod models;
mod money;
mod names;
mod processes;
mod recording;
mod retries;
mod sentences;
mod stored;
mod storm;
mod stream;
mod stream_broken;
mod stream_cut;
mod stream_options;
mod timeouts;
mod upstream;
mod verbatim;

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
