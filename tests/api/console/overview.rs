//! `/`: consistent figures.

use std::time::Duration;

use serde_json::json;

use super::errors::assert_page;
use super::events::{catalog, member, rows};
use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::database::Kind;
use crate::support::on_both_databases;

on_both_databases! {
    async fn the_overview_counts_what_was_answered_and_what_the_fallbacks_saved(app: App) {
        let _fake = catalog(&app).await;
        let browser = member(&app).await;
        assert!(browser.get("/").await.expect(200).shows("No requests in this time range"));
        for body in [json!({"model": "good"}), json!({"model": "good"}), json!({"model": "bad"})] {
            app.chat(&body).await;
        }
        app.requests(3).await;
        let page = browser.get("/?range=1h").await.expect(200);
        assert_page(&page);
        for text in [
            "<dt>Requests</dt><dd>3<",
            "<dt>Success rate</dt><dd>100 %<",
            "<dt>Saved by fallback</dt><dd>1<span class=\"more\">33.3 % of all requests",
            "First try <b>2</b>",
            "By fallback <b>1</b>",
            "Failed <b>0</b>",
            "/events?class=overloaded&#38;range=1h&#38;origin=live",
            "None. Every model is available",
        ] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        assert_eq!(rows(&page).len(), 1);
        assert!(browser.get("/?range=5y&origin=all").await.expect(200).shows("so it was ignored"));
        let other = Browser::owner(&app, "other").await;
        assert!(other.get("/").await.shows("No requests in this time range"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_left_alone_is_named_with_its_reason() {
    let app = App::start_with(Kind::Sqlite, |settings| settings.gateway.cooldown = true).await;
    let _fake = catalog(&app).await;
    for turn in 0..5 {
        app.chat_number(turn, &json!({"model": "bad"})).await;
    }
    let page = member(&app).await.get("/").await.expect(200);
    assert!(page.shows(&format!("/models/{}", app.model_as_served("bad").id.0)), "{}", page.html);
    assert!(page.shows("for 30 s more"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn skips_for_a_cooldown_count_toward_the_failure_that_opened_it() {
    let app = App::start_with(Kind::Sqlite, |settings| settings.gateway.cooldown = true).await;
    let _fake = catalog(&app).await;
    let body = json!({"model": "bad"});
    for turn in 0..5 {
        app.chat_number(turn, &body).await;
    }
    for _ in 0..3 {
        app.clock.advance(Duration::from_secs(1));
        app.chat(&body).await;
    }
    app.requests(8).await;
    let page = member(&app).await.get("/").await.expect(200);
    assert!(page.shows("with 3 skips while cooling down"), "{}", page.html);
    assert!(page.shows("<b class=\"number\">8</b>"), "{}", page.html);
    assert!(!page.shows(">Cooling down<"), "{}", page.html);
}
