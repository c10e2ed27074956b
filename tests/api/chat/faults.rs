//! The fault matrix: every provider failure, in every position of a chain, streaming and not.
//!
//! The failures and their classification are in [`table`]. With a healthy fallback every fault is answered, and is
//! one event with its class and rule. Without one the caller gets an error in its dialect.

mod fault_case;
mod success_status;
mod table;

use std::any::Any;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::pick;
use crate::support::app::{Answer, App, chat_body, eventually, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
pub(crate) use fault_case::How;
use fault_case::{Fault, Verdict, provider};
use table::faults;
pub(crate) use table::faults_of_any_dialect;

/// The time limit of a model whose provider never ends. No model that could answer has it, so a busy machine cannot
/// turn an answer into a fault.
const SHORT_MS: i64 = 300;
/// The number of concurrent requests.
const TOGETHER: usize = 12;
/// The models are spread over this many organizations, because a change rebuilds the snapshot of its organization.
const ORGANIZATIONS: usize = 12;
/// Each fault has a model for each position, streaming and not, and none is called twice.
const PLACES: [Place; 3] = [Place::First, Place::Middle, Place::Last];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Middle,
    Last,
}

/// One request of the matrix.
struct Case<'a> {
    fault: &'a Fault,
    /// The organization's API key.
    key: String,
    /// The faulty model's name.
    model: String,
    stream: bool,
    place: Place,
}

impl Case<'_> {
    /// The chain. `bad` and `worse` fail with a 400, `good` answers.
    fn chain(&self) -> [&str; 3] {
        match self.place {
            Place::First => [&self.model, "good", "worse"],
            Place::Middle => ["bad", &self.model, "good"],
            Place::Last => ["bad", "worse", &self.model],
        }
    }

    /// A filtered answer is returned if no other model answers.
    fn is_passed_on(&self, class: &str) -> bool {
        self.place == Place::Last && class == "content_policy" && !self.fault.name.starts_with("a prompt")
    }

    /// The expected observation if the fault gets this verdict.
    fn expected(&self, (class, rule): Verdict) -> Value {
        let faulty = |next: Value| json!([self.model, next, class, rule]);
        let bad = |model: &str, next: &str| json!([model, next, "invalid_request", "status:400"]);
        let (first, events) = match self.place {
            Place::First => (class, vec![faulty(json!("good"))]),
            Place::Middle => ("invalid_request", vec![bad("bad", &self.model), faulty(json!("good"))]),
            Place::Last => {
                ("invalid_request", vec![bad("bad", "worse"), bad("worse", &self.model), faulty(Value::Null)])
            }
        };
        // The answer of a failed candidate that is passed on is not one hop further.
        let hops = events.len() - usize::from(self.is_passed_on(class));
        let calls = if self.place == Place::First { 2 } else { 3 };
        let told = match self.place {
            Place::First | Place::Middle => {
                json!([200, "good", if self.stream { "From good [DONE]" } else { "From good" }])
            }
            Place::Last if self.is_passed_on(class) => {
                json!([200, self.model, if self.stream { " [DONE]" } else { "" }])
            }
            Place::Last => told(class, self.fault.status),
        };
        let failed = told[0] != 200;
        let row = json!([
            if failed { "failed" } else { "answered" },
            if failed { Value::Null } else { told[1].clone() },
            if failed { json!(class) } else { Value::Null },
            told[0],
            hops,
            calls,
            self.stream
        ]);
        let fallback = format!("from={}; class={first}; hops={hops}", self.chain()[0]);
        json!({"told": told, "attempts": calls.to_string(), "fallback": fallback, "events": events, "row": row})
    }

    /// Observes the response, its events and its row.
    async fn run(&self, app: &App) -> Value {
        let body = chat_body(&json!({"models": self.chain(), "stream": self.stream}));
        let request = with_json(app.request(Method::POST, "/v1/chat/completions"), &body);
        let answer = app.call(request, &self.key).await;
        let id = answer.header("x-request-id");
        let read = async |path: String| app.call(app.request(Method::GET, &path), &self.key).await.json();
        let page = read(format!("/v1/model-router/fallback-events?request_id={id}")).await;
        let mut events = page["items"].as_array().expect("events").clone();
        events.reverse();
        let row = read(format!("/v1/model-router/requests/{id}")).await;
        let row =
            ["outcome", "served_model", "error_class", "status_code", "hops", "upstream_calls", "streamed"]
                .map(|member| row[member].clone());
        let told = match answer.status {
            200 => json!([200, answer.header("x-failsoft-model"), said(&answer, self.stream)]),
            status => refusal(&answer, status),
        };
        json!({
            "told": told,
            "attempts": answer.header("x-failsoft-attempts"),
            "fallback": answer.header("x-failsoft-fallback"),
            "events": pick(&events, &["failed_model", "next_model", "error_class", "matched_rule"]),
            "row": row,
        })
    }
}

/// The error that the caller gets if no model answers: the status, the code, and whether to retry.
fn told(class: &str, status: Option<u16>) -> Value {
    match class {
        "rate_limited" => json!([429, "rate_limit_exceeded", "true"]),
        "quota_exhausted" => json!([429, "insufficient_quota", "false"]),
        "overloaded" => json!([503, "overloaded", "true"]),
        "unavailable" | "invalid_response" => json!([502, class, "true"]),
        "timeout" => json!([504, "timeout", "false"]),
        "context_window_exceeded" => json!([400, "context_length_exceeded", "false"]),
        "content_policy" => json!([400, "content_policy_violation", "false"]),
        "authentication" | "model_not_found" => json!([502, format!("upstream_{class}"), "false"]),
        "invalid_request" => {
            let ours = [401, 403, 404, 407, 408, 429];
            json!([status.filter(|status| !ours.contains(status)).unwrap_or(400), "invalid_request", "false"])
        }
        _ => panic!("no word about {class}"),
    }
}

/// The status, code and advice of an error in the OpenAI dialect; the text if it is not one.
fn refusal(answer: &Answer, status: u16) -> Value {
    let error = &answer.json()["error"];
    let attempts = error["metadata"]["attempts"].as_array().map(Vec::len);
    let whole = ["message", "type", "code"].iter().all(|member| error[member].is_string())
        && error.get("param").is_some()
        && attempts == Some(3)
        && answer.header("content-type") == "application/json"
        && answer.header("x-failsoft-model").is_empty();
    if !whole {
        return json!([status, answer.text()]);
    }
    json!([status, error["code"], answer.header("x-should-retry")])
}

/// The concatenated contents of an answer.
fn said(answer: &Answer, stream: bool) -> String {
    if !stream {
        let body = answer.json();
        return body["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned();
    }
    let mut said = String::new();
    for event in answer.events() {
        if event == "[DONE]" {
            said += " [DONE]";
            continue;
        }
        let chunk: Value = serde_json::from_str(&event).expect("a chunk");
        assert!(chunk.get("error").is_none(), "{event}");
        said += chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
    }
    said
}

/// Creates the models of the matrix and the requests.
async fn arrange<'a>(
    app: &App,
    fake: &FakeProvider,
    faults: &'a [Fault],
) -> (Vec<Case<'a>>, Vec<Box<dyn Any>>) {
    let mut owners = Vec::new();
    for number in 0..ORGANIZATIONS {
        let owner = app.other_organization(&format!("o{number}")).await;
        let scripted = owner.provider("fake", fake).await;
        for name in ["good", "bad", "worse"] {
            owner.model(name, scripted).await;
        }
        owners.push((owner, scripted));
    }
    for name in ["bad", "worse"] {
        // A class that causes no cooldown: every case passes here.
        fake.always_for(&format!("{name}-upstream"), Script::respond(400, &[], "no"));
    }
    let (mut cases, mut living) = (Vec::new(), Vec::new());
    for (number, fault) in faults.iter().enumerate() {
        let (owner, scripted) = &owners[number % ORGANIZATIONS];
        let (provider, lives) = provider(owner, number, fault, 2 * PLACES.len(), *scripted).await;
        living.extend(lives);
        for (stream, place) in
            [false, true].into_iter().flat_map(|stream| PLACES.map(|place| (stream, place)))
        {
            if fault.verdicts(stream).is_empty() {
                continue;
            }
            let model = format!("f{number}-{}-{place:?}", if stream { "stream" } else { "whole" });
            owner
                .model_like(&model, provider, |fields| {
                    let limit = fault.hangs.then_some(SHORT_MS);
                    (fields.settings.first_frame_timeout_ms, fields.settings.answer_timeout_ms) =
                        (limit, limit);
                })
                .await;
            if let How::Plays(script) = &fault.how {
                fake.always_for(&format!("{model}-upstream"), script.clone());
            }
            cases.push(Case { fault, key: owner.key.clone(), model, stream, place });
        }
    }
    (cases, living)
}

on_both_databases! {
    async fn every_fault_fails_over_or_is_reported_by_the_last_model(app: App) {
        let fake = FakeProvider::start().await;
        let faults = faults();
        let (cases, _living) = arrange(&app, &fake, &faults).await;
        let good = |stream: bool| match stream {
            false => Script::answer("From good"),
            true => Script::stream().text("From ").text("good").finish("stop").done(),
        };
        let mut wrong = Vec::new();
        for stream in [false, true] {
            fake.always_for("good-upstream", good(stream));
            let cases = cases.iter().filter(|case| case.stream == stream);
            let seen = futures_util::stream::iter(cases)
                .map(async |case| (case, case.run(&app).await))
                .buffer_unordered(TOGETHER);
            let failures = seen.filter_map(async |(case, seen)| {
                let expected: Vec<Value> =
                    case.fault.verdicts(stream).iter().map(|verdict| case.expected(*verdict)).collect();
                let answer = if stream { "stream" } else { "whole" };
                (!expected.contains(&seen)).then(|| {
                    format!("{} ({answer}, {:?}):\n     seen {seen}\n expected {}", case.fault.name, case.place, json!(expected))
                })
            });
            wrong.extend(failures.collect::<Vec<_>>().await);
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
        // No model was called twice, and the models that fail were called at all.
        let called = fake.requests();
        for case in &cases {
            let calls = called.iter().filter(|request| request.model.as_deref() == Some(&format!("{}-upstream", case.model)));
            let calls = calls.count();
            match case.fault.how {
                // A connection that had answered before may have been closed while idle, or hold the end of another answer,
                // so it is opened once more.
                How::Plays(_) if case.fault.verdicts(case.stream).iter().any(|verdict| matches!(verdict.1, "connect:reset" | "connect:other")) => {
                    assert!((1..=2).contains(&calls), "{}", case.model);
                }
                How::Plays(_) => assert_eq!(calls, 1, "{}", case.model),
                _ => assert_eq!(calls, 0, "{}", case.model),
            }
        }
        // Hanging calls were ended, and only reusable connections were kept; each provider has its own.
        eventually(async || (fake.connections().1 <= 2 * TOGETHER + faults.len()).then_some(())).await;
    }
}
