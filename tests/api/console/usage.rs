//! `/usage`, and budgets in the console: at `/settings/budget`, at `/keys/{id}/budget` and on the overview.

use failsoft::domain::permission::Role;
use failsoft::providers::ModelPrice;
use serde_json::json;

use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

async fn owner(app: &App) -> Browser {
    Browser::logged_in(app, &app.organization.member(Role::Owner).await).await
}

/// A model whose answers cost 5,000 nano-dollars each.
async fn priced(app: &App) -> FakeProvider {
    let fake = FakeProvider::start().await;
    let provider = app.organization.provider("fake", &fake).await;
    let price = ModelPrice { input: Some(1_000_000), output: Some(1_000_000), ..ModelPrice::default() };
    app.organization.model_like("a", provider, |fields| fields.settings.price = Some(price)).await;
    fake.always_for("a-upstream", Script::answer("Hi"));
    fake
}

on_both_databases! {
    async fn a_budget_is_set_in_the_browser_and_shown_where_it_matters(app: App) {
        let _fake = priced(&app).await;
        let browser = owner(&app).await;
        assert!(browser.get("/settings").await.expect(200).shows("Spending is not limited"));
        let fields = [("day_soft", "0.000004"), ("day_hard", "$0.000012"), ("month_hard", "")];
        browser.submit("/settings/budget", "/settings/budget", &fields).await.leads_to("/settings");
        let settings = browser.get("/settings").await.expect(200);
        assert!(settings.shows("The budget was saved") && settings.shows("$0.00 spent"), "{}", settings.html);
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        let overview = browser.get("/").await.expect(200);
        assert!(overview.shows("The organization has spent $0.000005 today: its soft limit is reached."), "{}", overview.html);
        assert!(browser.get("/settings/budget").await.expect(200).shows("value=\"0.000012\""));
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        let refused = app.chat(&json!({"model": "a"})).await;
        assert_eq!(refused.status, 402);
        let request = browser.get(&format!("/requests/{}", refused.header("x-request-id"))).await.expect(200);
        assert!(request.shows("ver budget") && request.shows("$0.00"), "{}", request.html);
        browser.submit("/settings/budget", "/settings/budget", &fields).await.leads_to("/settings");
        assert!(browser.get("/settings").await.shows("Nothing was changed."));
        browser.submit("/settings/budget", "/settings/budget", &[]).await.leads_to("/settings");
        assert_eq!(app.chat(&json!({"model": "a"})).await.status, 200);
        assert!(browser.get("/audit").await.expect(200).shows("budget"));
    }

    async fn each_attempt_shows_what_it_cost(app: App) {
        let fake = priced(&app).await;
        let provider = app.organization.provider("other", &fake).await;
        app.organization.model("broken", provider).await;
        fake.always_for("broken-upstream", Script::error(503, "overloaded", "busy"));
        let answer = app.chat(&json!({"model": "broken", "models": ["a"]})).await;
        let page = owner(&app).await.get(&format!("/requests/{}", answer.header("x-request-id"))).await.expect(200);
        let (_, costs) = page.html.split_once("Cost by attempt").expect("the card");
        let (broken, a) = (costs.find("$0.00<").expect("nothing"), costs.find("$0.000005").expect("a cost"));
        assert!(broken < a, "{costs}");
    }

    async fn a_keys_budget_is_set_on_its_page(app: App) {
        let browser = owner(&app).await;
        let key = app.get("/v1/identity/api-keys").await.json()["items"][0]["id"].as_str().expect("an id").to_owned();
        let (page, form) = (format!("/keys/{key}"), format!("/keys/{key}/budget"));
        browser.submit(&form, &form, &[("month_soft", "2.5"), ("month_hard", "10")]).await.leads_to(&page);
        let shown = browser.get(&page).await.expect(200);
        assert!(shown.shows("warning at $2.50, limit at $10.00") && shown.shows("This month"), "{}", shown.html);
        let wrong = browser.submit(&form, &form, &[("day_soft", "3"), ("day_hard", "2"), ("month_hard", "-1")]).await.expect(422);
        assert!(wrong.shows("The soft limit must not be higher than the hard limit.") && wrong.shows("The limit must be a number from 0 to 9,000,000"), "{}", wrong.html);
        assert!(wrong.shows("value=\"-1\""));
        let member = Browser::logged_in(&app, &app.organization.member(Role::Member).await).await;
        assert!(!member.get(&page).await.expect(200).shows("Change</a>"));
        member.submit("/", &form, &[("month_hard", "99")]).await.expect(403);
    }

    async fn usage_is_a_table_and_a_file(app: App) {
        let _fake = priced(&app).await;
        let browser = owner(&app).await;
        assert!(browser.get("/usage").await.expect(200).shows("No usage in this time range"));
        for _ in 0..3 {
            app.chat(&json!({"model": "a"})).await;
        }
        app.requests(3).await;
        let days = browser.get("/usage").await.expect(200);
        assert!(days.shows("2024-10-04") && days.shows("$0.000015"), "{}", days.html);
        assert!(browser.get("/usage?by=model&range=7d").await.expect(200).shows("<th scope=\"row\">a</th>"));
        assert!(browser.get("/usage?by=key").await.expect(200).shows("test key"));
        assert!(browser.get("/usage?by=nonsense").await.expect(200).shows("so it was ignored"));
        let file = browser.get("/usage.csv").await.expect(200).html;
        assert_eq!(file.lines().count(), 2, "{file}");
        assert!(file.contains(",3,3,0,0,9,6,0,0,15000,0,0,0.000015000"), "{file}");
    }

    async fn a_model_without_a_price_makes_no_sum_look_complete(app: App) {
        let fake = priced(&app).await;
        let provider = app.organization.provider("other", &fake).await;
        app.organization.model("b", provider).await;
        fake.always_for("b-upstream", Script::answer("Hi"));
        for model in ["a", "b"] {
            assert_eq!(app.chat(&json!({"model": model})).await.status, 200);
        }
        app.requests(2).await;
        let browser = owner(&app).await;
        let usage = browser.get("/usage?by=model").await.expect(200);
        let (_, b) = usage.html.split_once("<th scope=\"row\">b</th>").expect("its row");
        let (b, total) = b.split_once("</tr>").expect("the rest");
        assert!(b.contains(">unknown<") && total.contains(">at least $0.000005<"), "{}", usage.html);
        let overview = browser.get("/").await.expect(200);
        assert!(overview.shows("at least $0.000005"), "{}", overview.html);
        let file = browser.get("/usage.csv").await.expect(200).html;
        let line = file.lines().find(|line| line.contains(",b,")).expect("its line");
        assert!(line.ends_with(",,0,1,"), "{file}");
        let rows = app.get("/v1/model-router/usage?group_by=model").await.json();
        let rows = rows["items"].as_array().expect("a list");
        let costs: Vec<_> = rows.iter().map(|row| (&row["cost_nano_dollars"], &row["cost_dollars"])).collect();
        assert_eq!(costs, [(&json!(5_000), &json!("0.000005000")), (&json!(null), &json!(null))]);
        // It is marked in the catalog, and where it is chosen.
        let models = browser.get("/models").await.expect(200);
        assert_eq!(models.html.matches("No price</span>").count(), 1, "{}", models.html);
        assert!(browser.get("/playground").await.expect(200).shows("b · other (no price)"));
        let (a, _) = models.html.split_once("\">a</a>").expect("its link");
        let a = a.rsplit_once("href=\"/models/").expect("its path").1;
        let path = format!("/fallbacks/{a}");
        assert!(browser.get(&path).await.expect(200).shows(">b (no price)<"));
        let added = [("look", "1"), ("general", "b")];
        let preview = browser.submit(&path, &path, &added).await.expect(200);
        assert!(preview.shows("b has no price: the cost of its answers is unknown."), "{}", preview.html);
    }
}
