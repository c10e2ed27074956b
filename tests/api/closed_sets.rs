//! Closed sets in `/openapi.json`: clients get an enum with every value.

use failsoft::dialects::Endpoint;
use failsoft::dialects::change::{Verb, vocabulary};
use failsoft::domain::closed_set::ClosedSet;
use failsoft::domain::failure::class::ErrorClass;
use failsoft::domain::invocation_type::InvocationType;
use failsoft::domain::operation::ModelKind;
use failsoft::domain::origin::Origin;
use failsoft::domain::outcome::Outcome;
use failsoft::domain::period::Period;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::App;
use crate::support::database::Kind;

#[tokio::test(flavor = "multi_thread")]
async fn closed_sets_are_listed_and_used() {
    let app = App::start(Kind::Sqlite).await;
    let answer = app.send(app.request(Method::GET, "/openapi.json")).await;
    let document: Value = answer.json();
    let listed = [
        ("Endpoint", words::<Endpoint>()),
        ("ErrorClass", words::<ErrorClass>()),
        ("InvocationType", words::<InvocationType>()),
        ("ModelKind", words::<ModelKind>()),
        ("Origin", words::<Origin>()),
        ("Outcome", words::<Outcome>()),
        ("Period", words::<Period>()),
    ];
    for (name, words) in listed {
        assert_eq!(document["components"]["schemas"][name]["enum"], json!(words), "{name}");
    }
    let counted =
        document["paths"]["/v1/model-router/usage"]["get"]["parameters"].as_array().expect("parameters");
    let counted = counted.iter().find(|parameter| parameter["name"] == "origin").expect("the origin");
    assert!(counted["schema"].to_string().contains("#/components/schemas/CountedOrigin\""), "{counted}");
    let words = Origin::COUNTED.map(Origin::as_str);
    assert_eq!(document["components"]["schemas"]["CountedOrigin"]["enum"], json!(words));
    let request = &document["components"]["schemas"]["RequestResponse"]["properties"];
    for (member, name) in [
        ("outcome", "Outcome"),
        ("origin", "Origin"),
        ("invocation_type", "InvocationType"),
        ("error_class", "ErrorClass"),
    ] {
        assert!(request[member].to_string().contains(&format!("#/components/schemas/{name}\"")), "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verbs_of_changes_are_described() {
    let app = App::start(Kind::Sqlite).await;
    let document: Value = app.send(app.request(Method::GET, "/openapi.json")).await.json();
    let schemas = &document["components"]["schemas"];
    let items = &schemas["Explained"]["properties"]["adapted"]["items"];
    assert_eq!(items["$ref"], "#/components/schemas/AdaptedChange", "{items}");
    let pattern = schemas["AdaptedChange"]["pattern"].as_str().expect("a pattern");
    let verbs = pattern.trim_start_matches("^(").split(')').next().expect("verbs");
    assert_eq!(verbs.split('|').collect::<Vec<_>>(), Verb::ALL.map(|verb| verb.to_string()));
    for change in vocabulary() {
        let (verb, target) = change.split_once(':').expect("a verb");
        assert!(verbs.split('|').any(|known| known == verb), "{change}");
        assert!(target.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{change}");
    }
}

fn words<T: ClosedSet>() -> Vec<&'static str> {
    T::VALUES.iter().map(|value| value.word()).collect()
}
