//! Shared by the tests of the management API: its schemas, lists and errors.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::{Value, json};

use super::app::{Answer, App};

/// The schemas of Feather's own API description, as published.
static SCHEMAS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../schemas/feather.json")).expect("the schemas are JSON")
});

/// Fails unless the value matches Feather's schema of that name, formats included.
pub(crate) fn assert_fits(name: &str, value: &Value) {
    let mut schema = SCHEMAS.clone();
    schema["$ref"] = json!(format!("#/components/schemas/{name}"));
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema);
    let faults: Vec<String> = validator
        .expect("a schema")
        .iter_errors(value)
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{value} is no {name}: {faults:?}");
}

/// The violations of a 422 as (`query.limit`, `value_error`), in order.
pub(crate) fn violations(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 422, "{}", answer.text());
    let body = answer.json();
    assert_fits("HTTPValidationError", &body);
    let place = |violation: &Value| {
        let parts = violation["loc"].as_array().expect("a place").iter();
        let words: Vec<String> =
            parts.map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect();
        words.join(".")
    };
    let details = body["detail"].as_array().expect("a list").iter();
    details.map(|violation| (place(violation), text(&violation["type"]))).collect()
}

/// The only violation of a 422, as `query.limit value_error`.
pub(crate) fn violation(answer: &Answer) -> String {
    let found = violations(answer);
    assert_eq!(found.len(), 1, "{}", answer.text());
    format!("{} {}", found[0].0, found[0].1)
}

/// The status and message of an error other than 422.
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert_fits("ErrorResponse", &body);
    (answer.status, text(&body["error"]))
}

/// Reads a list page by page. `path` sets the page size.
pub(crate) async fn walk(app: &App, path: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = app.get(&format!("{path}{cursor}")).await;
        assert_eq!(page.status, 200, "{}", page.text());
        let page = page.json();
        pages.push(page["items"].as_array().expect("a list").clone());
        assert_eq!(page["has_more"], json!(page["next_cursor"].is_string()), "{page}");
        let Some(next) = page["next_cursor"].as_str() else { return pages };
        cursor = format!("&cursor={next}");
    }
}

/// The rows of a list with a single page.
pub(crate) async fn items(app: &App, path: &str) -> Vec<Value> {
    let page = app.get(path).await;
    assert_eq!(page.status, 200, "{path}: {}", page.text());
    let page = page.json();
    assert_eq!(page["has_more"], json!(false));
    page["items"].as_array().expect("a list").clone()
}

/// One member of every row.
pub(crate) fn each(rows: &[Value], member: &str) -> Vec<String> {
    rows.iter().map(|row| text(&row[member])).collect()
}

/// Checks that every request for a resource that the caller cannot see is answered as if it did not exist.
pub(crate) async fn assert_absent(app: &App, method: Method, folder: &str, foreign: &str) {
    for id in [foreign, "01890000-0000-7000-8000-000000000000", "7", "not-an-id", "%20", "..%2Fx"] {
        let request = app.request(method.clone(), &format!("{folder}/{id}")).body("{}");
        let answer = app.call(request, &app.organization.key).await;
        assert_eq!(refusal(&answer), (404, "not_found".to_owned()), "{method} {id}");
    }
}

/// Checks that a request without a key, or with a key that has only the scope `inference`, is refused.
pub(crate) async fn assert_guarded(app: &App, method: Method, path: &str, scope: &str) {
    let nobody = app.send(app.request(method.clone(), path)).await;
    assert_eq!(refusal(&nobody), (401, "unauthorized".to_owned()), "{method} {path}");
    let key = app.organization.key_with(&[failsoft::domain::permission::Scope::Inference]).await;
    let lesser = app.call(app.request(method.clone(), path).body("{}"), &key).await;
    assert_eq!(refusal(&lesser), (403, "forbidden".to_owned()), "{method} {path}");
    assert!(lesser.text().contains(scope), "{}", lesser.text());
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
