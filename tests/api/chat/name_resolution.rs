//! DNS rebinding: every address that a name resolves to is checked when the connection is made, whatever it resolved
//! to before.

use serde_json::{Value, json};

use crate::support::app::{App, eventually};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;
use crate::support::resolver::Shifty;

/// An address on the internet that hardly any machine has a route to.
const PUBLIC: &str = "2a00:1450::1";

async fn model_at(app: &App, name: &str, address: &str) -> String {
    let provider = app.organization.provider_at(name, "custom", Some(address)).await;
    app.organization.model(name, provider).await;
    let known = async || (app.get(&format!("/v1/models/{name}")).await.status == 200).then_some(());
    eventually(known).await;
    provider.to_string()
}

async fn works(app: &App, provider: &str) -> Value {
    app.post(&format!("/v1/model-router/providers/{provider}/test"), &Value::Null).await.json()["ok"].clone()
}

on_both_databases! {
    async fn a_name_that_answers_differently_in_time_reaches_only_what_is_open(app: App) {
        let (open, closed) = (FakeProvider::start().await, FakeProvider::start().await);
        open.always(Script::answer("Hi"));
        closed.always(Script::answer("The secrets of the machine"));
        let shifty = Shifty::new(&[
            Some(&[PUBLIC]),
            None,
            Some(&[]),
            Some(&["169.254.169.254"]),
            Some(&["10.0.0.1", "168.63.129.16"]),
            Some(&["127.0.0.1"]),
        ]);
        let own = app.address.port();
        let range = format!("127.0.0.1/32:{}", open.address().port());
        let app = app
            .beside_with(|settings| settings.upstream.allow_private = vec![range.parse().expect("a range")], shifty.clone())
            .await;
        // Plain http to another port is refused as written; https only when the name resolves.
        for (name, scheme, port) in [
            ("closed-tls", "https", closed.address().port()),
            ("closed", "http", closed.address().port()),
            ("neighbor", "https", own),
            ("own-tls", "https", app.address.port()),
            ("own", "http", app.address.port()),
        ] {
            let provider = model_at(&app, name, &format!("{scheme}://shifty.example:{port}/v1")).await;
            for _ in 0..8 {
                // Where the public address has a route, it does not answer in time.
                let answer = app.chat(&json!({"model": name})).await;
                assert!(matches!(answer.status, 502 | 504), "{name}: {}", answer.text());
            }
            assert_eq!(works(&app, &provider).await, json!(false), "{name}");
        }
        let rules: Vec<Value> = app.events().await.into_iter().map(|event| event["matched_rule"].clone()).collect();
        let (first, others) = rules.split_first().expect("events, the oldest first");
        assert!(first.as_str().is_some_and(|rule| rule.starts_with("connect:")), "{first}");
        let known = [json!("connect:blocked"), json!("connect:dns")];
        assert!(others.iter().all(|rule| known.contains(rule)), "{others:?}");
        assert_eq!(closed.connections().0, 0, "not even a connection");
        assert!(shifty.asked().iter().all(|name| name == "shifty.example"));
    }

    async fn a_connection_goes_to_what_was_looked_up_for_it_and_to_nothing_else(app: App) {
        let open = FakeProvider::start().await;
        open.always(Script::answer("Hi"));
        let shifty = Shifty::new(&[Some(&["::1", "127.0.0.1", "10.0.0.1"]), None]);
        let range = format!("127.0.0.1/32:{}", open.address().port());
        let app = app
            .beside_with(|settings| settings.upstream.allow_private = vec![range.parse().expect("a range")], shifty.clone())
            .await;
        model_at(&app, "a", &format!("http://shifty.example:{}/v1", open.address().port())).await;
        for _ in 0..2 {
            let answer = app.chat(&json!({"model": "a"})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        assert_eq!((open.connections().0, shifty.asked().len()), (1, 1), "one look-up for one connection");
    }

    async fn ambiguous_addresses_cannot_be_saved(app: App) {
        for address in [
            "https://localhost./v1",
            "https://api.example.com./v1",
            "https://metadata.google.internal/v1",
            "https://168.63.129.16/v1",
            "https://134744072/v1",
            "https://0x8.8.8.8/v1",
            "https://8.8.8.010/v1",
            "https://\u{ff18}.8.8.8/v1",
            "https://api.exam\u{ad}ple.com/v1",
            "https://%61pi.example.com/v1",
            "https://[fe80::1%25eth0]/v1",
            "https://[::ffff:8.8.8.8]/v1",
            "https://api.example.com\\@evil.example/v1",
            "https://api.example.com#@evil.example/v1",
            "https://api.exa\tmple.com/v1",
            "https:/api.example.com/v1",
            "https://api.example.com:0443/v1",
            "https://api.example.com:0/v1",
            "https://api.example.com/v1/../../admin",
        ] {
            let body = json!({"name": "p", "preset": "custom", "base_url": address});
            let answer = app.post("/v1/model-router/providers", &body).await;
            assert_eq!(answer.status, 422, "{address}: {}", answer.text());
            let detail = answer.text();
            assert!(detail.contains("base_url"), "{address}: {detail}");
        }
    }
}
