//! Invalid lists: the order of the checks, and the messages.

use failsoft::domain::permission::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{catalog, error, in_force};
use crate::support::app::{Answer, App, with_json};
use crate::support::on_both_databases;

async fn post(app: &App, body: &str) -> Answer {
    let request = app.request(Method::POST, "/fallback").header("content-type", "application/json");
    app.call(request.body(body.to_owned()), &app.organization.key).await
}

/// The violations of a 422, as `type place`.
fn violations(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 422, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body.as_object().expect("an object").len(), 1, "{body}");
    let line = |violation: &Value| {
        let members = violation.as_object().expect("an object");
        let mut names: Vec<&str> = members.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["loc", "msg", "type"]);
        assert!(violation["msg"].as_str().is_some_and(|text| text.len() > 10), "{violation}");
        format!("{} {}", violation["type"].as_str().expect("a word"), violation["loc"])
    };
    body["detail"].as_array().expect("a list").iter().map(line).collect()
}

/// A list with `count` names.
fn names(count: usize) -> Value {
    (0..count).map(|number| format!("m{number}")).collect()
}

on_both_databases! {
    async fn every_field_that_is_wrong_is_named_and_nothing_is_stored(app: App) {
        catalog(&app, &["a", "b"]).await;
        for (body, expected) in [
            ("", &[r#"missing ["body"]"#][..]),
            ("  \n", &[r#"missing ["body"]"#]),
            ("[]", &[r#"dict_type ["body"]"#]),
            ("null", &[r#"dict_type ["body"]"#]),
            ("\"a\"", &[r#"dict_type ["body"]"#]),
            ("{}", &[r#"missing ["body","model"]"#, r#"missing ["body","fallback_models"]"#]),
            (r#"{"model": "a"}"#, &[r#"missing ["body","fallback_models"]"#]),
            (r#"{"fallback_models": ["b"]}"#, &[r#"missing ["body","model"]"#]),
            (r#"{"model": " \t", "fallback_models": ["b"]}"#, &[r#"value_error ["body","model"]"#]),
            (r#"{"model": "", "fallback_models": ["b"]}"#, &[r#"value_error ["body","model"]"#]),
            (r#"{"model": 1, "fallback_models": ["b"]}"#, &[r#"string_type ["body","model"]"#]),
            (r#"{"model": null, "fallback_models": ["b"]}"#, &[r#"string_type ["body","model"]"#]),
            (r#"{"model": ["a"], "fallback_models": ["b"]}"#, &[r#"string_type ["body","model"]"#]),
            (r#"{"model": "a", "fallback_models": []}"#, &[r#"too_short ["body","fallback_models"]"#]),
            (r#"{"model": "a", "fallback_models": "b"}"#, &[r#"list_type ["body","fallback_models"]"#]),
            (r#"{"model": "a", "fallback_models": null}"#, &[r#"list_type ["body","fallback_models"]"#]),
            (r#"{"model": "a", "fallback_models": {"0": "b"}}"#, &[r#"list_type ["body","fallback_models"]"#]),
            (
                r#"{"model": "a", "fallback_models": [1, "b", null]}"#,
                &[r#"string_type ["body","fallback_models",0]"#, r#"string_type ["body","fallback_models",2]"#],
            ),
            (r#"{"model": "a", "fallback_models": ["b", "b"]}"#, &[r#"value_error ["body","fallback_models"]"#]),
            (
                r#"{"model": "a", "fallback_models": ["b", 7, "b", "c", "c", "c"], "fallback_type": 5, "note": {"x": 1, "x": 2}}"#,
                &[
                    r#"value_error ["body","note","x"]"#,
                    r#"string_type ["body","fallback_models",1]"#,
                    r#"value_error ["body","fallback_models"]"#,
                    r#"value_error ["body","fallback_models"]"#,
                    r#"literal_error ["body","fallback_type"]"#,
                    r#"value_error ["body","fallback_models",3]"#,
                    r#"value_error ["body","fallback_models",4]"#,
                    r#"value_error ["body","fallback_models",5]"#,
                ],
            ),
            // Names that are not in the catalog are reported with the other faults.
            (
                r#"{"model": " nope ", "fallback_models": ["nix", "b", "nope"], "fallback_type": "x"}"#,
                &[
                    r#"literal_error ["body","fallback_type"]"#,
                    r#"value_error ["body","model"]"#,
                    r#"value_error ["body","fallback_models",0]"#,
                    r#"value_error ["body","fallback_models",2]"#,
                ],
            ),
            (
                r#"{"model": "a", "fallback_models": ["b", "a"], "triggers": 5}"#,
                &[r#"list_type ["body","triggers"]"#, r#"value_error ["body","fallback_models",1]"#],
            ),
            (
                r#"{"model": "a", "fallback_models": ["b"], "fallback_type": "generic"}"#,
                &[r#"literal_error ["body","fallback_type"]"#],
            ),
            (
                r#"{"model": "a", "fallback_models": ["b"], "fallback_type": null}"#,
                &[r#"literal_error ["body","fallback_type"]"#],
            ),
            (
                r#"{"model": "a", "fallback_models": ["b"], "triggers": []}"#,
                &[r#"too_short ["body","triggers"]"#],
            ),
            (
                r#"{"model": "a", "fallback_models": ["b"], "triggers": "timeout"}"#,
                &[r#"list_type ["body","triggers"]"#],
            ),
            (
                r#"{"model": "a", "fallback_models": ["b"], "triggers": ["timeout", "slow", 3]}"#,
                &[r#"literal_error ["body","triggers",1]"#, r#"literal_error ["body","triggers",2]"#],
            ),
            (
                r#"{"model": "a", "fallback_models": ["b"], "triggers": ["timeout", "slow", "stream_interrupted"]}"#,
                &[r#"literal_error ["body","triggers",1]"#, r#"value_error ["body","triggers",2]"#],
            ),
            (
                r#"{"model": "a", "fallback_models": ["b"], "triggers": ["timeout", "timeout"]}"#,
                &[r#"value_error ["body","triggers"]"#],
            ),
            (
                r#"{"model": "a", "model": "b", "fallback_models": ["b"]}"#,
                &[r#"value_error ["body","model"]"#],
            ),
            (
                r#"{"model": 7, "fallback_models": [], "fallback_type": "x"}"#,
                &[
                    r#"string_type ["body","model"]"#,
                    r#"too_short ["body","fallback_models"]"#,
                    r#"literal_error ["body","fallback_type"]"#,
                ],
            ),
        ] {
            assert_eq!(violations(&post(&app, body).await), expected, "{body}");
        }
        for (body, place) in [
            ("{", r#"["body",0]"#),
            (r#"{"model": }"#, r#"["body",10]"#),
            ("{\n  \"model\": a", r#"["body",13]"#),
            ("{} {}", r#"["body",3]"#),
        ] {
            assert_eq!(violations(&post(&app, body).await), [format!("json_invalid {place}")], "{body}");
        }
        assert!(in_force(&app, "/fallback").await.is_empty());
    }

    async fn thirty_two_fallbacks_are_the_most(app: App) {
        let provider = app.organization.provider_at("simulated", "simulated", None).await;
        app.organization.model("a", provider).await;
        for number in 0..33 {
            app.organization.model(&format!("m{number}"), provider).await;
        }
        let too_many = app.post("/fallback", &json!({"model": "a", "fallback_models": names(33)})).await;
        assert_eq!(violations(&too_many), [r#"too_long ["body","fallback_models"]"#]);
        let just_right = app.post("/fallback", &json!({"model": "a", "fallback_models": names(32)})).await;
        assert_eq!(just_right.status, 200, "{}", just_right.text());
        assert_eq!(just_right.json()["fallback_models"], names(32));
        assert_eq!(app.get("/fallback/a").await.json()["fallback_models"], names(32));
    }

    async fn names_are_checked_after_the_fields_and_in_their_order(app: App) {
        catalog(&app, &["steady", "b", "Smart"]).await;
        let own = json!(["Smart", "b", "steady"]);
        for (model, behind, status, text, lists_models) in [
            ("nope", &["b"][..], 404, "Model 'nope' not found in router", true),
            ("nope", &["nope", "nix"], 404, "Model 'nope' not found in router; Invalid fallback models: ['nope', 'nix']", true),
            ("B", &["b"], 404, "Model 'B' not found in router", true),
            ("b", &["nope", "b"], 400, "Invalid fallback models: ['nope']; Model 'b' cannot be its own fallback", true),
            ("b", &["nope", "steady", "nix"], 400, "Invalid fallback models: ['nope', 'nix']", true),
            ("b", &["steady", ""], 400, "Invalid fallback models: ['']", true),
            ("b", &[" steady"], 400, "Invalid fallback models: [' steady']", true),
            ("b", &["steady", "b"], 400, "Model 'b' cannot be its own fallback", false),
        ] {
            let answer = app.post("/fallback", &json!({"model": model, "fallback_models": behind})).await;
            let expected = if lists_models {
                json!({"detail": {"error": text, "available_models": own}})
            } else {
                json!({"detail": {"error": text}})
            };
            assert_eq!((answer.status, answer.json()), (status, expected), "{model} {behind:?}");
        }
        let fields_first = post(&app, r#"{"model": "nope", "fallback_models": []}"#).await;
        assert_eq!(violations(&fields_first), [r#"too_short ["body","fallback_models"]"#, r#"value_error ["body","model"]"#]);
        // As in LiteLLM, the list is at fault; its message has the places.
        let twice = post(&app, r#"{"model": "b", "fallback_models": ["Smart", "steady", "Smart", 7, "Smart"]}"#).await;
        let message = &twice.json()["detail"][1]["msg"];
        assert_eq!(message, "'Smart' is a duplicate in 'fallback_models', at [0], [2], [4]. Name it once.");
        assert!(in_force(&app, "/fallback").await.is_empty());
    }

    async fn the_caller_is_checked_before_the_body(app: App) {
        catalog(&app, &["a", "b"]).await;
        let nobody = app.send(app.request(Method::POST, "/fallback").body("{")).await;
        assert_eq!(nobody.status, 401);
        assert!(error(&nobody).starts_with("No API key was sent"), "{}", nobody.text());
        let reader = app.organization.key_with(&[Scope::RouterRead]).await;
        for (method, path) in [(Method::POST, "/fallback"), (Method::DELETE, "/fallback/a?fallback_type=x")] {
            let refused = app.call(app.request(method, path).body("{"), &reader).await;
            assert_eq!(refused.status, 403);
            assert!(error(&refused).contains("'router:manage'"), "{}", refused.text());
        }
        assert_eq!(app.call(app.request(Method::GET, "/fallback"), &reader).await.status, 200);
        let manager = app.organization.key_with(&[Scope::RouterManage]).await;
        for path in ["/fallback", "/fallback/a"] {
            assert_eq!(app.call(app.request(Method::GET, path), &manager).await.status, 403, "{path}");
        }
    }

    async fn an_unknown_type_is_named_in_the_query(app: App) {
        catalog(&app, &["a", "b"]).await;
        for (method, path) in
            [(Method::GET, "/fallback"), (Method::GET, "/fallback/a"), (Method::DELETE, "/fallback/a")]
        {
            for query in ["fallback_type=x", "fallback_type=", "fallback_type=General"] {
                let request = app.request(method.clone(), &format!("{path}?{query}"));
                let answer = app.call(request, &app.organization.key).await;
                assert_eq!(violations(&answer), [r#"literal_error ["query","fallback_type"]"#], "{method} {query}");
                assert_eq!(
                    answer.json()["detail"][0]["msg"],
                    "Input should be 'general', 'context_window' or 'content_policy'"
                );
            }
            let twice = app.request(method, &format!("{path}?fallback_type=general&fallback_type=general"));
            let answer = app.call(twice, &app.organization.key).await;
            assert_eq!(violations(&answer), [r#"value_error ["query","fallback_type"]"#]);
        }
    }

    async fn a_body_that_cannot_be_read_is_refused(app: App) {
        let post = || app.request(Method::POST, "/fallback");
        let compressed = app.call(post().header("content-encoding", "gzip").body("x"), &app.organization.key).await;
        assert_eq!(compressed.status, 415);
        assert!(error(&compressed).contains("Content-Encoding"), "{}", compressed.text());
        let large = json!({"model": "a", "fallback_models": ["b"], "note": "x".repeat(64 * 1024)});
        let large = app.call(with_json(post(), &large), &app.organization.key).await;
        assert_eq!((large.status, error(&large)), (413, "The body is over the limit of 65536 bytes".to_owned()));
        let deep = format!("{{\"model\": {}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
        let deep = app.call(post().body(deep), &app.organization.key).await;
        assert_eq!(deep.status, 422);
        assert!(violations(&deep)[0].starts_with("json_invalid"), "{}", deep.text());
    }

    async fn other_fields_have_no_effect_and_the_model_is_trimmed(app: App) {
        catalog(&app, &["a", "b"]).await;
        let body = json!({
            "model": "  a\n", "fallback_models": ["b"], "fallback_type": "context_window",
            "triggers": null, "metadata": {"team": 1}, "revision": 70, "message": "mine"
        });
        let answer = app.post("/fallback", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let stored = answer.json();
        assert_eq!([&stored["model"], &stored["revision"], &stored["triggers"]], [&json!("a"), &json!(1), &json!(null)]);
        assert_eq!(stored["message"], "Fallback configuration created successfully");
        assert!(stored.get("metadata").is_none());
        assert_eq!(in_force(&app, "/fallback").await, ["a context_window: b"]);
    }
}
