//! What all calls of models have in common in the document.

use std::collections::BTreeSet;

use super::{bodies, document, operations};
use crate::support::app::App;
use crate::support::database::Kind;

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_a_model_takes_the_gateways_headers_and_fields() {
    let app = App::start(Kind::Sqlite).await;
    let document = document(&app).await;
    let mut seen = 0;
    for (title, operation) in operations(&document) {
        let is_call = title.starts_with("POST ") && operation["tags"][0] == "inference";
        if !is_call || title.ends_with("/count_tokens") {
            continue;
        }
        let parameters = operation["parameters"].as_array().expect("parameters").iter();
        let named: BTreeSet<&str> = parameters
            .filter(|parameter| parameter["in"] == "header" && parameter["required"] == false)
            .filter_map(|parameter| parameter["name"].as_str().filter(|name| name.starts_with("x-")))
            .collect();
        let own = ["x-failsoft-deadline-ms", "x-failsoft-drill", "x-failsoft-metadata", "x-session-id"];
        assert_eq!(named, BTreeSet::from(own), "{title}");
        let bodies = bodies(&operation);
        for (place, content) in bodies.iter().filter(|(place, _)| place.starts_with("request")) {
            let schema = content["schema"]["$ref"].as_str().expect("a reference").replace('#', "");
            let properties = &document.pointer(&schema).expect("a schema")["properties"];
            for field in
                ["model", "models", "disable_fallbacks", "max_fallbacks", "num_retries", "session_id"]
            {
                assert!(properties[field].is_object(), "{title} {place}: {field}");
            }
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}
