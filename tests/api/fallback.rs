//! `/fallback` and `/fallback/{model}`.

mod activation;
mod model_names;
mod revisions;
mod validation;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{Answer, App, with_json};
use crate::support::on_both_databases;

/// Models of a simulated provider that is not called here.
async fn catalog(app: &App, names: &[&str]) {
    let provider = app.organization.provider_at("simulated", "simulated", None).await;
    for name in names {
        app.organization.model(name, provider).await;
    }
}

/// Sets a list.
async fn set(app: &App, model: &str, behind: &[&str]) -> Answer {
    let answer = app.post("/fallback", &json!({"model": model, "fallback_models": behind})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

/// Sends a change with the revision that it is based on.
async fn if_match(app: &App, method: Method, path: &str, tag: &str, body: &Value) -> Answer {
    let request = app.request(method, path).header("if-match", tag);
    app.call(with_json(request, body), &app.organization.key).await
}

/// The message of an error in this dialect.
fn error(answer: &Answer) -> String {
    answer.json()["detail"]["error"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

/// The models of all active lists, as `model type: fallbacks`.
async fn in_force(app: &App, path: &str) -> Vec<String> {
    let answer = app.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let line = |row: &Value| {
        let names = row["fallback_models"].as_array().expect("a list").iter();
        let names: Vec<&str> = names.map(|name| name.as_str().expect("a name")).collect();
        let (model, kind) = (row["model"].as_str(), row["fallback_type"].as_str());
        format!("{} {}: {}", model.expect("a name"), kind.expect("a type"), names.join(" "))
    };
    body["fallbacks"].as_array().expect("a list").iter().map(line).collect()
}

on_both_databases! {
    async fn a_list_is_created_replaced_read_and_deleted(app: App) {
        catalog(&app, &["a", "b", "c"]).await;
        let created = set(&app, "a", &["b", "c"]).await;
        let first = created.json();
        assert_eq!(created.header("etag"), "\"1\"");
        assert_eq!(
            [&first["model"], &first["fallback_models"], &first["fallback_type"], &first["message"]],
            [&json!("a"), &json!(["b", "c"]), &json!("general"), &json!("Fallback configuration created successfully")]
        );
        assert_eq!([&first["revision"], &first["triggers"]], [&json!(1), &json!(null)]);

        let replaced = set(&app, "a", &["c"]).await;
        assert_eq!(replaced.json()["message"], "Fallback configuration updated successfully");
        assert_eq!(replaced.header("etag"), "\"2\"");
        assert_eq!(replaced.json()["router_config_id"], first["router_config_id"]);

        let read = app.get("/fallback/a").await;
        assert_eq!((read.status, read.header("etag")), (200, "\"2\""));
        let body = read.json();
        assert_eq!([&body["model"], &body["fallback_models"], &body["fallback_type"]], [&json!("a"), &json!(["c"]), &json!("general")]);
        assert_eq!(body["router_config_id"], first["router_config_id"]);
        assert!(body.get("message").is_none());

        let deleted = app.delete("/fallback/a").await;
        assert_eq!(deleted.status, 200);
        assert_eq!(
            deleted.json(),
            json!({"model": "a", "fallback_type": "general", "message": "Fallback configuration deleted successfully"})
        );
        for answer in [app.get("/fallback/a").await, app.delete("/fallback/a").await] {
            assert_eq!(answer.status, 404);
            assert_eq!(answer.json(), json!({"detail": {"error": "No general fallbacks configured for model 'a'"}}));
        }
        assert!(in_force(&app, "/fallback").await.is_empty());

        let again = set(&app, "a", &["b"]).await;
        assert_eq!(again.json()["message"], "Fallback configuration created successfully");
        assert_eq!(again.json()["router_config_id"], first["router_config_id"], "the id survives a delete");
        assert_eq!(again.header("etag"), "\"4\"", "the delete was a revision too");
    }

    async fn a_model_has_a_list_of_each_type(app: App) {
        catalog(&app, &["a", "b", "c", "d"]).await;
        let mut ids = Vec::new();
        for (kind, name) in [("general", "b"), ("context_window", "c"), ("content_policy", "d")] {
            let body = json!({"model": "a", "fallback_models": [name], "fallback_type": kind});
            let answer = app.post("/fallback", &body).await;
            assert_eq!(answer.json()["message"], "Fallback configuration created successfully", "{kind}");
            ids.push(answer.json()["router_config_id"].clone());
        }
        ids.dedup();
        assert_eq!(ids.len(), 3, "each has an id of its own");
        for (kind, name) in [("general", "b"), ("context_window", "c"), ("content_policy", "d")] {
            let answer = app.get(&format!("/fallback/a?fallback_type={kind}")).await.json();
            assert_eq!([&answer["fallback_models"], &answer["fallback_type"]], [&json!([name]), &json!(kind)]);
        }
        let deleted = app.delete("/fallback/a?fallback_type=context_window").await;
        assert_eq!(deleted.json()["fallback_type"], "context_window");
        let absent = app.get("/fallback/a?fallback_type=context_window").await;
        assert_eq!((absent.status, error(&absent)), (404, "No context_window fallbacks configured for model 'a'".to_owned()));
        assert_eq!(in_force(&app, "/fallback").await, ["a general: b", "a content_policy: d"]);
    }

    async fn the_list_is_sorted_and_filtered(app: App) {
        catalog(&app, &["Z", "a", "b/c"]).await;
        for (model, kind, name) in
            [("b/c", "general", "a"), ("a", "context_window", "Z"), ("a", "general", "b/c"), ("Z", "general", "a")]
        {
            let body = json!({"model": model, "fallback_models": [name], "fallback_type": kind});
            assert_eq!(app.post("/fallback", &body).await.status, 200);
        }
        let all = ["Z general: a", "a general: b/c", "a context_window: Z", "b/c general: a"];
        assert_eq!(in_force(&app, "/fallback").await, all);
        assert_eq!(in_force(&app, "/fallback?unknown=1&model=b%2Fc").await, ["b/c general: a"]);
        assert_eq!(in_force(&app, "/fallback?fallback_type=context_window").await, ["a context_window: Z"]);
        assert_eq!(in_force(&app, "/fallback?fallback_type=general&model=a").await, ["a general: b/c"]);
        for none in ["fallback_type=content_policy", "model=nobody", "model=A", "model=", "model=a%00"] {
            assert!(in_force(&app, &format!("/fallback?{none}")).await.is_empty(), "{none}");
        }
    }

    async fn an_organization_sees_and_names_its_own_alone(app: App) {
        catalog(&app, &["a", "b"]).await;
        set(&app, "a", &["b"]).await;
        let other = app.other_organization("other").await;
        let provider = other.provider_at("simulated", "simulated", None).await;
        for name in ["a", "theirs"] {
            other.model(name, provider).await;
        }
        let read = app.call(app.request(Method::GET, "/fallback/a"), &other.key).await;
        assert_eq!((read.status, error(&read)), (404, "No general fallbacks configured for model 'a'".to_owned()));
        let body = json!({"model": "a", "fallback_models": ["b"]});
        let unknown = app.call(with_json(app.request(Method::POST, "/fallback"), &body), &other.key).await;
        assert_eq!((unknown.status, error(&unknown)), (400, "Invalid fallback models: ['b']".to_owned()));
        assert_eq!(unknown.json()["detail"]["available_models"], json!(["a", "theirs"]));
        let body = json!({"model": "a", "fallback_models": ["theirs"]});
        let theirs = app.call(with_json(app.request(Method::POST, "/fallback"), &body), &other.key).await;
        assert_eq!(theirs.status, 200);
        assert_eq!(in_force(&app, "/fallback").await, ["a general: b"]);
        let deleted = app.call(app.request(Method::DELETE, "/fallback/a"), &other.key).await;
        assert_eq!(deleted.status, 200);
        assert_eq!(in_force(&app, "/fallback").await, ["a general: b"]);
    }
}
