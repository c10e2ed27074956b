//! Model names in the path: with slashes, raw and as `%2F`, and with every other character that a name may contain.

use reqwest::Method;
use serde_json::json;

use super::{catalog, error, in_force, set};
use crate::support::on_both_databases;
use crate::support::raw_client::Raw;

on_both_databases! {
    async fn a_name_with_slashes_is_found_raw_and_encoded(app: App) {
        catalog(&app, &["openai/gpt-4o", "a", "openai", "x/y/z"]).await;
        for (name, paths) in [
            ("openai/gpt-4o", &["openai/gpt-4o", "openai%2Fgpt-4o", "openai%2fgpt%2D4o", "%6Fpenai/gpt-4o"][..]),
            ("x/y/z", &["x/y/z", "x%2Fy%2Fz", "x/y%2Fz"]),
        ] {
            for path in paths {
                set(&app, name, &["a"]).await;
                for query in ["", "?fallback_type=general"] {
                    let read = app.get(&format!("/fallback/{path}{query}")).await;
                    assert_eq!((read.status, &read.json()["model"]), (200, &json!(name)), "{path}{query}");
                }
                let deleted = app.delete(&format!("/fallback/{path}")).await;
                assert_eq!((deleted.status, &deleted.json()["model"]), (200, &json!(name)), "{path}");
                assert!(in_force(&app, "/fallback").await.is_empty(), "{path}");
            }
        }
    }

    async fn what_only_looks_like_the_name_is_not_it(app: App) {
        catalog(&app, &["openai/gpt-4o", "a"]).await;
        set(&app, "openai/gpt-4o", &["a"]).await;
        for (path, seen) in [
            ("openai%252Fgpt-4o", "openai%2Fgpt-4o"),
            ("openai/gpt-4o/", "openai/gpt-4o/"),
            ("openai//gpt-4o", "openai//gpt-4o"),
            ("openai", "openai"),
            ("gpt-4o", "gpt-4o"),
            ("OpenAI/gpt-4o", "OpenAI/gpt-4o"),
            ("%20openai/gpt-4o", " openai/gpt-4o"),
            ("openai/gpt-4o%00", "openai/gpt-4o\0"),
        ] {
            for method in [Method::GET, Method::DELETE] {
                let request = app.request(method.clone(), &format!("/fallback/{path}"));
                let answer = app.call(request, &app.organization.key).await;
                let text = format!("No general fallbacks configured for model '{seen}'");
                assert_eq!((answer.status, error(&answer)), (404, text), "{method} {path}");
            }
        }
        assert_eq!(in_force(&app, "/fallback").await, ["openai/gpt-4o general: a"]);
    }

    async fn every_letter_of_a_name_survives_the_path(app: App) {
        let long = "n".repeat(200);
        let names = ["~anthropic/claude:beta", "vendor@host/m+1", "A-b_c.d", "0", long.as_str()];
        catalog(&app, &names).await;
        for (number, name) in names.iter().enumerate() {
            set(&app, name, &[names[(number + 1) % names.len()]]).await;
            let encoded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
            for path in [*name, encoded.as_str()] {
                let read = app.get(&format!("/fallback/{path}")).await;
                assert_eq!((read.status, &read.json()["model"]), (200, &json!(name)), "{path}");
            }
        }
    }

    async fn a_path_that_is_no_text_is_refused_in_this_dialect(app: App) {
        let key = &app.organization.key;
        let mut raw = Raw::connect(app.address).await;
        raw.send(format!("GET /fallback/a%FFb HTTP/1.1\r\nhost: test\r\nx-api-key: {key}\r\nconnection: close\r\n\r\n")).await;
        let answer = raw.read_to_end().await;
        assert!(answer.starts_with("HTTP/1.1 404") || answer.starts_with("HTTP/1.1 422"), "{answer}");
        assert!(answer.contains("{\"detail\":"), "{answer}");
    }
}
