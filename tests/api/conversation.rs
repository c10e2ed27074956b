//! One conversation with tools over a chain of four vendors, streamed, in each dialect of callers. Each turn is answered by another
//! vendor, because all others are overloaded, and the request log says so.
//!
//! The vendors are as strict as they are known to be: a round of tools that is missing or changed, or reasoning that another vendor
//! has signed, is a fault of the test.

mod answers;
mod callers;
mod history;

use std::sync::{Arc, Mutex};

use failsoft::domain::fallback_type::FallbackType;
use failsoft::providers::ModelPrice;
use failsoft::store::ModelFields;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::app::{Answer, App};
use crate::support::fake_provider::{FakeProvider, Received, Script};
use crate::support::on_both_databases;
use answers::{CACHED, FRESH, OUTPUT};
use callers::{Caller, Said, Talk};

/// A vendor of the chain: its model in the catalog, the model at the vendor, its preset, and the path of its base URL.
struct Vendor {
    name: &'static str,
    upstream: &'static str,
    preset: &'static str,
    path: &'static str,
}

/// The chain. Anthropic serves Messages and chat completions, OpenAI Responses and chat completions.
static CHAIN: [Vendor; 4] = [
    Vendor { name: "claude", upstream: "claude-sonnet-4-5", preset: "anthropic", path: "/v1" },
    Vendor {
        name: "claude-on-bedrock",
        upstream: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        preset: "bedrock",
        path: "",
    },
    Vendor { name: "gpt", upstream: "gpt-5.4", preset: "openai", path: "/v1" },
    Vendor { name: "gemini", upstream: "gemini-3-flash-preview", preset: "gemini-native", path: "/v1beta" },
];

/// The places of the vendors in the chain.
const ANTHROPIC: usize = 0;
const BEDROCK: usize = 1;
const OPENAI: usize = 2;
const GEMINI: usize = 3;

/// The cities that the models ask about, one in each turn but the last.
const CITIES: [&str; 4] = ["Bern", "Ulm", "Rome", "Lima"];

/// Which vendor answers each turn: every vendor follows every other one, and is asked again when all others have answered.
const ORDERS: [[usize; 5]; 5] = [
    [ANTHROPIC, BEDROCK, OPENAI, GEMINI, ANTHROPIC],
    [GEMINI, OPENAI, BEDROCK, ANTHROPIC, GEMINI],
    [BEDROCK, ANTHROPIC, GEMINI, OPENAI, BEDROCK],
    [OPENAI, ANTHROPIC, BEDROCK, GEMINI, OPENAI],
    [ANTHROPIC, OPENAI, GEMINI, BEDROCK, ANTHROPIC],
];

/// What the vendors know of the conversation.
#[derive(Default)]
struct State {
    /// The vendors that answered the turns so far, each with whether it showed signed reasoning.
    answered: Vec<(usize, bool)>,
    /// The vendor that answers the next turn.
    serving: usize,
    /// Whether Claude at Anthropic refused to reason in the middle of a turn that another vendor began.
    refused: bool,
    /// What must not have reached them.
    faults: Vec<String>,
}

type Shared = Arc<Mutex<State>>;

/// The vendors, and a catalog with the chain.
struct Vendors {
    /// The preset of the first one.
    first: &'static str,
    state: Shared,
    /// Held, because they stop when they are dropped.
    _fakes: Vec<FakeProvider>,
}

impl Vendors {
    /// `first` is the preset of the first vendor.
    async fn arrange(app: &App, first: &'static str) -> Self {
        let state = Shared::default();
        let mut fakes = Vec::new();
        for (place, vendor) in CHAIN.iter().enumerate() {
            let fake = FakeProvider::start().await;
            let shared = state.clone();
            fake.judge(move |received| Some(serve(place, received, &shared)));
            let preset = if place == ANTHROPIC { first } else { vendor.preset };
            let id = provider(app, vendor, preset, &fake).await;
            let rate = i64::try_from(place + 1).expect("a small number");
            let change = |model: &mut ModelFields| {
                vendor.upstream.clone_into(&mut model.upstream_model);
                model.settings.price = Some(ModelPrice {
                    input: Some(rate * 1_000_000),
                    output: Some(rate * 2_000_000),
                    cache_read: Some(rate * 100_000),
                    ..ModelPrice::default()
                });
            };
            app.organization.model_like(vendor.name, id, change).await;
            fakes.push(fake);
        }
        let behind: Vec<&str> = CHAIN[1..].iter().map(|vendor| vendor.name).collect();
        app.organization.fallback(CHAIN[0].name, FallbackType::General, &behind).await;
        Self { first, state, _fakes: fakes }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().expect("no panic before");
        change(&mut state)
    }
}

/// A provider of a vendor, with a credential of its form.
async fn provider(app: &App, vendor: &Vendor, preset: &str, fake: &FakeProvider) -> Uuid {
    let key = json!({
        "access_key_id": "AKIAQ7XW2M4N8P3R5T6V", "region": "eu-central-1",
        "secret_access_key": "k9Zt4mQx/7Rb2WnVy8+LdPc5HsFgJ3uTaE6oXiB1",
    });
    let credential = if preset == "bedrock" { key.to_string() } else { "sk-upstream-secret-0001".to_owned() };
    let base_url = format!("http://{}{}", fake.address(), vendor.path);
    let made = json!({"name": vendor.name, "preset": preset, "base_url": base_url, "credential": credential});
    let made = app.post("/v1/model-router/providers", &made).await;
    assert_eq!(made.status, 201, "{}", made.text());
    made.json()["id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

/// What the vendor at this place of the chain does with a request.
fn serve(place: usize, received: &Received, shared: &Shared) -> Script {
    let mut state = shared.lock().expect("no panic before");
    if state.serving != place {
        return answers::overloaded(place, &received.path);
    }
    let body = received.json();
    let found = history::read(&received.path, &body);
    let cities = &CITIES[..state.answered.len()];
    let expected: Vec<(String, String)> =
        cities.iter().map(|city| ((*city).to_owned(), format!("Sunny in {city}"))).collect();
    if found.rounds != expected {
        state.faults.push(format!("{}: the rounds are {:?}: {body}", received.path, found.rounds));
    }
    let signatures = history::expected_signatures(place, &received.path, &state.answered);
    if signatures.as_ref().is_some_and(|expected| *expected != found.signatures) {
        state.faults.push(format!(
            "{}: the signatures are {:?}, not {signatures:?}: {body}",
            received.path, found.signatures
        ));
    }
    if let Some(fault) = found.fault {
        state.faults.push(format!("{}: {fault}: {body}", received.path));
    }
    if found.lacks_reasoning {
        // Bytes of the caller reach the first model as they are. Others get no such request.
        if place != ANTHROPIC || state.refused {
            state.faults.push(format!("{}: reasoning in the middle of a turn: {body}", received.path));
        }
        state.refused = true;
        return answers::refused();
    }
    let number = state.answered.len();
    answers::of(place, &received.path, &body, number, CITIES.get(number).copied())
}

/// Has the conversation in this order, and checks each turn and its record.
async fn converse(app: &App, vendors: &Vendors, caller: Caller, order: &[usize]) {
    vendors.with(|state| state.answered.clear());
    let mut talk = Talk::new(caller);
    for (number, place) in order.iter().copied().enumerate() {
        let turn = format!("{caller:?} {order:?} {number}");
        vendors.with(|state| (state.serving, state.refused) = (place, false));
        let answer = app.post(caller.endpoint(), &talk.request()).await;
        let faults = vendors.with(|state| std::mem::take(&mut state.faults));
        assert_eq!(faults, Vec::<String>::new(), "{turn}");
        assert_eq!(answer.status, 200, "{turn}: {}", answer.text());
        let said = talk.hear(&answer);
        let city = CITIES.get(number).copied();
        let call = said.call.as_ref().map(|(_, city)| city.as_str());
        assert_eq!(call, city, "{turn}: {}", answer.text());
        assert_eq!(said.text, if city.is_some() { "" } else { "Done" }, "{turn}: {}", answer.text());
        assert_recorded(app, vendors, caller, place, (&answer, &said)).await;
        vendors.with(|state| state.answered.push((place, shows_signature(&answer, place))));
        if let Some((id, city)) = &said.call {
            talk.give(id, &format!("Sunny in {city}"));
        }
    }
}

/// Whether the caller got reasoning with the signature of this vendor.
fn shows_signature(answer: &Answer, place: usize) -> bool {
    answer.text().contains(answers::signature_of(place))
}

/// Checks that the record says who answered a turn, who did not and why, what was changed for each, and what it cost.
async fn assert_recorded(
    app: &App,
    vendors: &Vendors,
    caller: Caller,
    place: usize,
    (answer, said): (&Answer, &Said),
) {
    let id = answer.header("x-request-id");
    let row = app.get(&format!("/v1/model-router/requests/{id}")).await.json();
    let facts = ["endpoint", "requested_model", "served_model", "outcome"].map(|name| row[name].clone());
    assert_eq!(facts, [caller.endpoint(), "claude", CHAIN[place].name, "answered"].map(Value::from), "{row}");
    let refused = vendors.with(|state| state.refused);
    let failed = CHAIN[..place].iter().map(|vendor| (vendor.name, Some("overloaded")));
    let refusal = refused.then_some((CHAIN[place].name, Some("invalid_request")));
    let expected: Vec<_> = failed.chain(refusal).chain([(CHAIN[place].name, None)]).collect();
    let attempts = row["attempts"].as_array().expect("a list");
    let facts = attempts.iter().map(|attempt| (&attempt["model"], &attempt["error_class"]));
    let facts: Vec<(Option<&str>, Option<&str>)> =
        facts.map(|(model, class)| (model.as_str(), class.as_str())).collect();
    assert_eq!(
        facts,
        expected.iter().map(|(model, class)| (Some(*model), *class)).collect::<Vec<_>>(),
        "{row}"
    );
    let translated_to = caller.translated_to(vendors.first);
    for attempt in attempts {
        let at =
            CHAIN.iter().position(|vendor| attempt["model"] == vendor.name).expect("a model of the chain");
        assert_eq!(attempt["translated_to"], json!(translated_to[at]), "{row}");
    }
    let events = app.events().await;
    let mut of_request: Vec<&Value> = events.iter().filter(|event| event["request_id"] == id).collect();
    of_request.sort_by_key(|event| event["hop"].as_u64());
    let failed: Vec<&Value> = of_request.iter().map(|event| &event["failed_model"]).collect();
    let next: Vec<&Value> = of_request.iter().map(|event| &event["next_model"]).collect();
    assert_eq!(failed, CHAIN[..place].iter().map(|vendor| vendor.name).collect::<Vec<_>>(), "{of_request:?}");
    assert_eq!(next, CHAIN[1..=place].iter().map(|vendor| vendor.name).collect::<Vec<_>>(), "{of_request:?}");
    assert_changes(vendors, caller, place, &attempts[attempts.len() - 1]["adapted"]);
    // Each vendor counts in its own words, and the tokens are the same.
    let counts = ["input_tokens", "cached_tokens", "output_tokens"].map(|name| row[name].clone());
    assert_eq!(counts, [FRESH + CACHED, CACHED, OUTPUT].map(Value::from), "{row}");
    let rate = u64::try_from(place + 1).expect("a small number");
    assert_eq!(row["cost_nano_dollars"], rate * (FRESH * 1_000 + CACHED * 100 + OUTPUT * 2_000), "{row}");
    assert_eq!(said.tokens, (FRESH + CACHED, CACHED, OUTPUT), "{}", answer.text());
}

/// Checks what the record says of the reasoning and the signatures of others, which crossed or did not.
fn assert_changes(vendors: &Vendors, caller: Caller, place: usize, adapted: &Value) {
    let answered = vendors.with(|state| state.answered.clone());
    let is =
        |change: &str| adapted.as_array().is_some_and(|changes| changes.iter().any(|name| name == change));
    let of_claude = |place: usize| matches!(place, ANTHROPIC | BEDROCK);
    let signed = |of: &dyn Fn(usize) -> bool| answered.iter().any(|(place, signed)| *signed && of(*place));
    match place {
        GEMINI => {
            let by_others = answered.iter().any(|(place, _)| *place != GEMINI);
            assert_eq!(is("placeholder:signature"), by_others, "{adapted}");
            assert_eq!(is("stripped:thinking"), signed(&|place| place != GEMINI), "{adapted}");
        }
        OPENAI if caller == Caller::Chat => {
            assert_eq!(is("stripped:reasoning_details"), signed(&of_claude), "{adapted}");
            assert_eq!(is("stripped:extra_content"), signed(&|place| place == GEMINI), "{adapted}");
        }
        OPENAI => assert_eq!(is("stripped:thinking"), signed(&|_| true), "{adapted}"),
        // What Claude has signed is valid at both of its vendors, so a conversation of these two is whole.
        ANTHROPIC | BEDROCK if answered.iter().all(|(place, signed)| *signed && of_claude(*place)) => {
            assert!(!is("stripped:thinking") && !is("disabled:thinking"), "{adapted}");
        }
        _ => {}
    }
}

on_both_databases! {
    async fn a_caller_of_messages_is_answered_by_each_vendor_in_turn(app: App) {
        let vendors = Vendors::arrange(&app, "anthropic").await;
        for order in &ORDERS {
            converse(&app, &vendors, Caller::Messages, order).await;
        }
    }

    async fn a_caller_of_responses_is_answered_by_each_vendor_in_turn(app: App) {
        let vendors = Vendors::arrange(&app, "anthropic").await;
        for order in &ORDERS {
            converse(&app, &vendors, Caller::Responses, order).await;
        }
    }

    /// Anthropic serves chat completions itself, without its reasoning.
    async fn a_caller_of_chat_completions_is_answered_by_each_vendor_in_turn(app: App) {
        let vendors = Vendors::arrange(&app, "anthropic").await;
        for order in &ORDERS {
            converse(&app, &vendors, Caller::Chat, order).await;
        }
    }

    async fn a_caller_of_chat_completions_keeps_the_reasoning_of_claude(app: App) {
        let vendors = Vendors::arrange(&app, "custom-messages").await;
        for order in &ORDERS {
            converse(&app, &vendors, Caller::Chat, order).await;
        }
    }
}
