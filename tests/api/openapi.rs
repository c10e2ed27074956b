//! `/openapi.json`; the page that renders it is in `page`.

mod calls;
mod examples;
mod page;

use std::collections::{BTreeMap, BTreeSet};

use failsoft::app::routes::{Access, ROUTES, Surface, described_path};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::database::Kind;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

async fn document(app: &App) -> Value {
    let answer = app.send(app.request(Method::GET, "/openapi.json")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}

/// Every operation of a document, by `METHOD path`.
fn operations(document: &Value) -> BTreeMap<String, Value> {
    let paths = document["paths"].as_object().expect("paths").iter();
    let of_path = |(path, item): (&String, &Value)| {
        let methods = item.as_object().expect("an item").iter();
        methods
            .map(|(method, operation)| (format!("{} {path}", method.to_uppercase()), operation.clone()))
            .collect::<Vec<_>>()
    };
    paths.flat_map(of_path).collect()
}

/// Calls `see` with every object inside a value.
fn walk(value: &Value, see: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            see(members);
            members.values().for_each(|member| walk(member, see));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| walk(entry, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_is_described_and_everything_described_is_a_route() {
    let app = App::start(Kind::Sqlite).await;
    let described = operations(&document(&app).await);
    let routes: BTreeSet<String> = ROUTES
        .iter()
        .filter(|route| route.surface == Surface::Api)
        .map(|route| format!("{} {}", route.method.as_str(), described_path(route.path)))
        .collect();
    let described: BTreeSet<String> = described.into_keys().collect();
    assert_eq!(described, routes);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_says_what_it_needs_and_how_it_fails() {
    let app = App::start(Kind::Sqlite).await;
    let document = document(&app).await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"], json!([{"url": "/"}]));
    let operations = operations(&document);
    let mut ids = BTreeSet::new();
    for route in ROUTES.iter().filter(|route| route.surface == Surface::Api) {
        let title = format!("{} {}", route.method.as_str(), described_path(route.path));
        let operation = &operations[&title];
        let id = operation["operationId"].as_str().expect("an id");
        assert!(ids.insert(id.to_owned()), "{title}: another operation is called {id}");
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{title}");
        let tag = operation["tags"][0].as_str().expect("a tag");
        let tags = document["tags"].as_array().expect("tags").iter();
        assert!(
            tags.into_iter().any(|known| known["name"] == tag),
            "{title}: the tag {tag} is not described"
        );
        let needs = match route.access {
            Access::ConsoleUser(_) => panic!("{title}: a page is no operation"),
            Access::Public => json!([]),
            Access::Operator => json!([{"metrics": []}]),
            Access::Key => json!([{"bearer": []}, {"x-api-key": []}]),
            Access::Scope(scope) => json!([{"bearer": [scope.as_str()]}, {"x-api-key": [scope.as_str()]}]),
        };
        assert_eq!(operation["security"], needs, "{title}");
        let responses = operation["responses"].as_object().expect("responses");
        assert_eq!(responses.contains_key("401"), route.access != Access::Public, "{title}");
        assert_eq!(responses.contains_key("403"), matches!(route.access, Access::Scope(_)), "{title}");
        for (status, response) in responses {
            assert!(
                response["description"].as_str().is_some_and(|text| !text.is_empty()),
                "{title} {status}"
            );
            if !status.starts_with(['4', '5']) {
                continue;
            }
            let schema = response["content"]["application/json"]["schema"]["$ref"].as_str();
            assert!(schema.is_some(), "{title} {status} has no schema");
        }
        let named = route.path.matches('{').count();
        let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
        assert_eq!(in_path, named, "{title}: a parameter of the path is not described");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_leads_somewhere_and_no_note_for_programmers_leaks() {
    let app = App::start(Kind::Sqlite).await;
    let document = document(&app).await;
    let mut references = 0;
    walk(&document, &mut |members| {
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').expect("a reference into the document");
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
            references += 1;
        }
        if let Some(text) = members.get("description").and_then(Value::as_str) {
            for note in ["# Errors", "[`", "::", "Error::", "Self"] {
                assert!(!text.contains(note), "{note} in: {text}");
            }
        }
    });
    assert!(references > 100, "{references}");
}

/// Every body of an operation, request or response, with its location in the document.
fn bodies(operation: &Value) -> Vec<(String, &Value)> {
    let answered = operation["responses"].as_object().into_iter().flatten();
    let described = answered.map(|(status, response)| (status.as_str(), response));
    let described = described.chain([("request", &operation["requestBody"])]);
    let contents = described.flat_map(|(place, body)| {
        let contents = body["content"].as_object().into_iter().flatten();
        contents.map(move |(media, content)| (format!("{place} {media}"), content))
    });
    contents.collect()
}

/// The violations of a schema of the document.
fn misfits(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).expect("a schema");
    validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_body_has_an_example_that_fits_its_schema() {
    let app = App::start(Kind::Sqlite).await;
    let document = document(&app).await;
    for (title, operation) in operations(&document) {
        for (place, content) in bodies(&operation) {
            let example = content.get("example").unwrap_or_else(|| panic!("{title} {place} has no example"));
            let faults = misfits(&document, &content["schema"], example);
            assert!(faults.is_empty(), "{title} {place}: {faults:?} in {example}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_untouched_is_described_as_open() {
    let app = App::start(Kind::Sqlite).await;
    let document = document(&app).await;
    for name in [
        "ChatCompletionRequest",
        "ChatMessage",
        "ChatCompletion",
        "ChatChoice",
        "ChatReply",
        "ChatUsage",
        "MessageRequest",
        "InputMessage",
        "Message",
        "MessageUsage",
        "ResponseRequest",
        "ResponseObject",
        "ResponseUsage",
    ] {
        let open = &document["components"]["schemas"][name]["additionalProperties"];
        assert!(
            open.is_object() || *open == json!(true),
            "{name}: {}",
            document["components"]["schemas"][name]
        );
    }
}

/// Replaces the id in an example with an existing one.
fn with_id(example: &Value, id: &str) -> String {
    example.to_string().replace("0199c4d2-7a31-7c55-9e0b-3f6a1d2b4c5e", id)
}

on_both_databases! {
    async fn what_the_examples_send_is_accepted(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["steady", "spare"]).await;
        fake.always(Script::answer("Hello"));
        let operations = operations(&document(&app).await);
        let provider = app.get("/v1/model-router/providers").await.json()["items"][0]["id"].clone();
        let provider = provider.as_str().expect("an id").to_owned();
        let mut made = BTreeMap::new();
        for (path, create) in [
            ("/v1/model-router/providers", true),
            ("/v1/model-router/models", true),
            ("/v1/identity/api-keys", true),
            ("/fallback", false),
            ("/v1/chat/completions", false),
            ("/chat/completions", false),
            ("/api/v1/chat/completions", false),
            ("/v1/model-router/explain", false),
            ("/v1/model-router/budgets", true),
        ] {
            let example = &operations[&format!("POST {path}")]["requestBody"]["content"]["application/json"]["example"];
            let request = app.request(Method::POST, path).header("content-type", "application/json");
            let answer = app.call(request.body(with_id(example, &provider)), &app.organization.key).await;
            assert_eq!(answer.status, if create { 201 } else { 200 }, "POST {path}: {}", answer.text());
            if create {
                let id = answer.json()["id"].as_str().or(answer.json()["api_key"]["id"].as_str()).map(str::to_owned);
                made.insert(path, id.unwrap_or_else(|| panic!("{path}: {}", answer.text())));
            }
        }
        for (path, id) in made {
            let example = &operations[&format!("PATCH {path}/{{id}}")]["requestBody"]["content"]["application/json"]["example"];
            let request = app.request(Method::PATCH, &format!("{path}/{id}")).header("content-type", "application/json");
            let answer = app.call(request.body(example.to_string()), &app.organization.key).await;
            assert_eq!(answer.status, 200, "PATCH {path}: {}", answer.text());
        }
    }
}

on_both_databases! {
    async fn what_is_answered_is_what_is_described(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a", "b"]).await;
        fake.next_for("a-upstream", Script::error(503, "overloaded", "too busy"));
        fake.next_for("b-upstream", Script::answer("From b"));
        let document = document(&app).await;
        let model = app.get("/v1/model-router/models").await.json()["items"][0]["id"].clone();
        let model = format!("/v1/model-router/models/{}", model.as_str().expect("an id"));
        let list = json!({"model": "a", "fallback_models": ["b"]});
        let bad = json!({"model": "", "fallback_models": [1]});
        let chat = json!({"model": "a", "messages": []});
        for (method, path, described, body, status) in [
            (Method::POST, "/fallback", "/fallback", &list, "200"),
            (Method::POST, "/v1/chat/completions", "/v1/chat/completions", &chat, "200"),
            (Method::POST, "/fallback", "/fallback", &bad, "422"),
            (Method::POST, "/fallback", "/fallback", &json!({"model": "x", "fallback_models": ["b"]}), "404"),
            (Method::GET, "/fallback", "/fallback", &Value::Null, "200"),
            (Method::GET, "/fallback/a", "/fallback/{model}", &Value::Null, "200"),
            (Method::GET, "/fallback/b", "/fallback/{model}", &Value::Null, "404"),
            (Method::DELETE, "/fallback/a", "/fallback/{model}", &Value::Null, "200"),
            (Method::GET, "/v1/models", "/v1/models", &Value::Null, "200"),
            (Method::GET, "/v1/models/a", "/v1/models/{id}", &Value::Null, "200"),
            (Method::GET, "/v1/models/x", "/v1/models/{id}", &Value::Null, "404"),
            (Method::GET, "/api/v1/models/x", "/api/v1/models/{id}", &Value::Null, "404"),
            (Method::POST, "/v1/chat/completions", "/v1/chat/completions", &json!({}), "400"),
            (Method::GET, "/v1/model-router/models", "/v1/model-router/models", &Value::Null, "200"),
            (Method::GET, &model, "/v1/model-router/models/{id}", &Value::Null, "200"),
            (Method::GET, "/v1/model-router/providers", "/v1/model-router/providers", &Value::Null, "200"),
            (
                Method::GET,
                "/v1/model-router/fallback-events",
                "/v1/model-router/fallback-events",
                &Value::Null,
                "200",
            ),
            (Method::GET, "/v1/model-router/requests", "/v1/model-router/requests", &Value::Null, "200"),
            (Method::GET, "/v1/model-router/requests?limit=x", "/v1/model-router/requests", &Value::Null, "422"),
            (Method::GET, "/v1/identity/whoami", "/v1/identity/whoami", &Value::Null, "200"),
            (Method::GET, "/v1/identity/api-keys", "/v1/identity/api-keys", &Value::Null, "200"),
            (Method::GET, "/v1/identity/api-keys/x", "/v1/identity/api-keys/{id}", &Value::Null, "404"),
        ] {
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let answer = app.call(app.request(method.clone(), path).body(body), &app.organization.key).await;
            assert_eq!(answer.status.to_string(), status, "{method} {path}: {}", answer.text());
            let responses = &operations(&document)[&format!("{method} {described}")]["responses"];
            let schema = &responses[status]["content"]["application/json"]["schema"];
            assert!(schema.is_object(), "{method} {described} {status} has no schema");
            let faults = misfits(&document, schema, &answer.json());
            assert!(faults.is_empty(), "{method} {path}: {faults:?} in {}", answer.text());
        }
    }
}
