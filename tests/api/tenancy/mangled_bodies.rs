//! Bodies that no route expects: mutations of the example of every route with a JSON body. Each is answered in the
//! format of its path, and none is a failure of the server.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use reqwest::Method;
use serde_json::Value;

use super::error_dialect::assert_dressed;
use super::matrix::rows;
use super::victim::Victim;
use crate::support::on_both_databases;

/// The mutations of each body.
const MUTATIONS: usize = 24;
/// Takes the place of a value until it is replaced as text, because not every mutation is JSON.
const MARK: &str = "the value that is replaced";

/// Values of other types, and what no value can be.
static VALUES: [&str; 22] = [
    "null",
    "true",
    "-1",
    "0",
    "2.5",
    "1e300",
    "1e999",
    "99999999999999999999",
    r#""""#,
    r#"" ""#,
    r#""7""#,
    r#""\u0000""#,
    r#""a\u0000b""#,
    r#""\ud83d""#,
    r#""\ude00\ud83d""#,
    r#""\u202egpj.exe""#,
    "[]",
    "[null]",
    "{}",
    r#"{"a":1,"a":2}"#,
    r#"[[[[[[[[[[[[[[[[{"a":[]}]]]]]]]]]]]]]]]]"#,
    "NaN",
];

/// What is done to a body, where, and with which value.
type Mutation = (u8, Index, &'static str);

fn any_mutation() -> impl Strategy<Value = Mutation> {
    (0..9_u8, any::<Index>(), prop::sample::select(&VALUES[..]))
}

/// The text of a body after a mutation.
fn mangled(body: &Value, (kind, place, value): Mutation) -> Vec<u8> {
    let text = body.to_string().into_bytes();
    let at = place.index(text.len());
    let (before, after) = text.split_at(at);
    let without = |count: usize| &after[count.min(after.len())..];
    match kind {
        0 => [before, b"\xff", without(1)].concat(),
        1 => [before, b"\0", after].concat(),
        2 => [before, without(7)].concat(),
        3 => [before, &after[..after.len().min(20)], after].concat(),
        4 => with_member_twice(body, place, value),
        _ => with_value(body, place, value),
    }
}

/// The body with a value in the place of one of its own.
fn with_value(body: &Value, place: Index, value: &str) -> Vec<u8> {
    let mut places = Vec::new();
    collect(body, "", &mut places);
    let mut body = body.clone();
    *body.pointer_mut(place.get(places.as_slice()).as_str()).expect("a value") = MARK.into();
    body.to_string().replace(&format!("\"{MARK}\""), value).into_bytes()
}

/// The body with one of its members once more, at its start.
fn with_member_twice(body: &Value, place: Index, value: &str) -> Vec<u8> {
    let names: Vec<&String> = body.as_object().expect("an object").keys().collect();
    let text = body.to_string();
    let members = text.strip_prefix('{').expect("an object");
    format!("{{\"{}\":{value},{members}", place.get(&names)).into_bytes()
}

/// Collects the places of a value and of all inside of it.
fn collect(value: &Value, place: &str, places: &mut Vec<String>) {
    places.push(place.to_owned());
    if let Value::Object(members) = value {
        for (name, member) in members {
            collect(member, &format!("{place}/{name}"), places);
        }
    }
    for (index, entry) in value.as_array().into_iter().flatten().enumerate() {
        collect(entry, &format!("{place}/{index}"), places);
    }
}

on_both_databases! {
    async fn a_mangled_body_is_never_a_failure_of_the_server(app: App) {
        let victim = Victim::create(&app).await;
        let mut runner = TestRunner::deterministic();
        let (mut sent, mut refused) = (0, 0);
        for row in rows(&victim).iter().filter(|row| row.body.is_object()) {
            for _ in 0..MUTATIONS {
                let mutation = any_mutation().new_tree(&mut runner).expect("a mutation").current();
                let body = mangled(&row.body, mutation);
                let said = format!("{} {}", row.title, String::from_utf8_lossy(&body));
                let request = app.request(row.method.clone(), &row.path);
                let request = request.header("content-type", "application/json").body(body);
                let answer = app.call(request, &app.organization.key).await;
                // A failure of a provider is passed on.
                let called = !matches!(answer.header("x-failsoft-attempts"), "" | "0");
                assert!(answer.status < 500 || called, "{said}: {} {}", answer.status, answer.text());
                if answer.status >= 400 {
                    assert_dressed(&row.path, &answer);
                    refused += 1;
                } else if answer.header("content-type").starts_with("application/json") {
                    answer.json();
                }
                sent += 1;
            }
        }
        assert!(sent >= 15 * MUTATIONS, "only {sent} bodies were sent");
        assert!(refused > sent / 3, "only {refused} of {sent} bodies were refused");
        assert_eq!(app.send(app.request(Method::GET, "/readyz")).await.status, 200);
    }
}
