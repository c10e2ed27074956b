//! `/fallbacks`: the list, the editor of a model's lists, and going back.

use failsoft::domain::fallback_type::FallbackType::{ContextWindow, General};
use failsoft::domain::permission::Role;
use serde_json::json;

use crate::support::app::{App, Organization};
use crate::support::browser::{Browser, Page};
use crate::support::fake_provider::FakeProvider;
use crate::support::on_both_databases;

/// The models of these tests; a request for the first one fails over to its list.
const MODELS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];

async fn editor(organization: &Organization) -> String {
    let fake = FakeProvider::start().await;
    let provider = organization.provider("fake", &fake).await;
    let mut path = String::new();
    for name in MODELS {
        let id = organization.model(name, provider).await;
        if name == "alpha" {
            path = format!("/fallbacks/{id}");
        }
    }
    path
}

async fn admin(app: &App) -> Browser {
    Browser::logged_in(app, &app.organization.member(Role::Admin).await).await
}

/// The models of a list on the page, in order.
fn models(page: &Page, word: &str) -> Vec<String> {
    let marker = format!(r#"name="{word}" value=""#);
    page.html
        .split(marker.as_str())
        .skip(1)
        .map(|rest| rest.split('"').next().expect("a value").to_owned())
        .collect()
}

async fn in_force(app: &App, kind: &str) -> serde_json::Value {
    let answer = app.get(&format!("/fallback/alpha?fallback_type={kind}")).await;
    if answer.status == 404 { json!([]) } else { answer.json()["fallback_models"].clone() }
}

on_both_databases! {
    async fn a_chain_is_built_reordered_and_saved_without_a_script(app: App) {
        let path = editor(&app.organization).await;
        let admin = admin(&app).await;
        let page = admin.submit(&path, &path, &[("new_general", "beta"), ("add", "general")]).await.expect(200);
        assert_eq!(models(&page, "general"), ["beta"]);
        let page = admin.submit(&path, &path, &[
            ("general", "beta"), ("new_general", "gamma"), ("add", "general"), ("triggers_general", "timeout"),
        ]).await.expect(200);
        assert_eq!(models(&page, "general"), ["beta", "gamma"]);
        assert!(page.shows("Not saved") && page.shows("Only after: Timed out"), "{}", page.html);
        assert_eq!(in_force(&app, "general").await, json!([]), "a draft is not in force");

        let three = [("general", "beta"), ("general", "gamma"), ("general", "delta")];
        for (button, expected) in [
            (&[("move", "up:general:3")][..], ["beta", "delta", "gamma"]),
            (&[("move", "down:general:1")], ["gamma", "beta", "delta"]),
            (&[("position_general", "1"), ("position_general", "2"), ("position_general", "1"), ("look", "1")],
                ["delta", "beta", "gamma"]),
        ] {
            let fields: Vec<_> = three.iter().chain(button).copied().collect();
            assert_eq!(models(&admin.submit(&path, &path, &fields).await.expect(200), "general"), expected);
        }
        let fields = [("general", "beta"), ("general", "gamma"), ("remove", "general:beta")];
        assert_eq!(models(&admin.submit(&path, &path, &fields).await.expect(200), "general"), ["gamma"]);

        let save = [("general", "delta"), ("general", "gamma"), ("new_context_window", "beta"), ("save", "now")];
        admin.submit(&path, &path, &save).await.leads_to(&path);
        let page = admin.get(&path).await.expect(200);
        assert!(page.shows("The next request for alpha uses it: general and context window."), "{}", page.html);
        assert_eq!(in_force(&app, "general").await, json!(["delta", "gamma"]));
        assert_eq!(in_force(&app, "context_window").await, json!(["beta"]));
        assert!(page.shows("In the worst case, a caller waits") && page.shows("All of them are served by fake"), "{}", page.html);
    }

    async fn the_slower_editor_sees_the_conflict_and_keeps_the_edit(app: App) {
        let path = editor(&app.organization).await;
        app.organization.fallback("alpha", General, &["beta"]).await;
        let (one, other) = (admin(&app).await, admin(&app).await);
        one.submit(&path, &path, &[("revision_general", "1"), ("general", "gamma"), ("save", "now")]).await.leads_to(&path);

        let mine = [("revision_general", "1"), ("general", "delta"), ("save", "now")];
        let page = other.submit(&path, &path, &mine).await.expect(409);
        assert!(page.shows("admin-") && page.shows("saved first") && page.shows("Current list: gamma"), "{}", page.html);
        assert_eq!(models(&page, "general"), ["delta"], "the draft is kept");
        assert_eq!(in_force(&app, "general").await, json!(["gamma"]), "nothing was overwritten");
        assert!(page.shows(r#"name="revision_general" value="2""#), "{}", page.html);
        other.submit(&path, &path, &[("revision_general", "2"), ("general", "delta"), ("save", "now")]).await.leads_to(&path);
        assert_eq!(in_force(&app, "general").await, json!(["delta"]));

        // Opened before there was a list: the same.
        app.organization.fallback("alpha", ContextWindow, &["beta"]).await;
        let late = [("revision_general", "3"), ("general", "delta"), ("context_window", "gamma"), ("save", "now")];
        other.submit(&path, &path, &late).await.expect(409);
        // A list that was not edited keeps its current state.
        let apart = [("revision_general", "1"), ("general", "beta"), ("context_window", "beta"),
            ("content_policy", "gamma"), ("save", "now")];
        other.submit(&path, &path, &apart).await.leads_to(&path);
        assert_eq!(in_force(&app, "general").await, json!(["delta"]));
        assert_eq!(in_force(&app, "content_policy").await, json!(["gamma"]));
    }

    async fn a_bad_edit_is_refused_beside_its_list_and_keeps_what_was_typed(app: App) {
        let path = editor(&app.organization).await;
        let admin = admin(&app).await;
        for (bad, said) in [
            (["nobody", "beta"], "&#39;nobody&#39; is not in the catalog"),
            (["alpha", "beta"], "cannot be its own fallback"),
            (["beta", "beta"], "is in the list twice"),
        ] {
            let fields = [("general", bad[0]), ("general", bad[1]), ("triggers_general", "timeout"), ("save", "now")];
            let page = admin.submit(&path, &path, &fields).await.expect(422);
            assert!(page.shows(said) && page.shows(r##"href="#general""##), "{said}: {}", page.html);
            assert_eq!(models(&page, "general"), bad);
            assert!(page.shows(r#"value="timeout" checked"#), "{}", page.html);
        }
        assert_eq!(in_force(&app, "general").await, json!([]));
    }

    async fn a_deletion_says_first_what_follows(app: App) {
        let path = editor(&app.organization).await;
        app.organization.fallback("alpha", General, &["beta", "gamma"]).await;
        let admin = admin(&app).await;
        let page = admin.submit(&path, &path, &[("revision_general", "1"), ("save", "now")]).await.expect(200);
        assert!(page.shows("of alpha (beta and gamma) will be deleted") && page.shows("gets that failure"), "{}", page.html);
        assert_eq!(in_force(&app, "general").await, json!(["beta", "gamma"]), "not without a word");
        admin.submit(&path, &path, &[("revision_general", "1"), ("save", "confirmed")]).await.leads_to(&path);
        assert_eq!(in_force(&app, "general").await, json!([]));
    }

    async fn the_history_says_who_and_what_and_goes_back(app: App) {
        let path = editor(&app.organization).await;
        let admin = admin(&app).await;
        admin.submit(&path, &path, &[("general", "beta"), ("general", "gamma"), ("save", "now")]).await.leads_to(&path);
        let second = [("revision_general", "1"), ("general", "delta"), ("triggers_general", "timeout"), ("save", "now")];
        admin.submit(&path, &path, &second).await.leads_to(&path);
        let page = admin.get(&path).await.expect(200);
        for part in ["admin-", "</span>beta</span>", "after Timed out", "Go back to revision 1 of General"] {
            assert!(page.shows(part), "{part}: {}", page.html);
        }
        let revert = format!("{path}/revert");
        let stale = [("kind", "general"), ("number", "1"), ("current", "1")];
        admin.submit(&path, &revert, &stale).await.expect(409);
        // A model that was deleted meanwhile is named.
        let models = app.get("/v1/model-router/models?limit=200").await.json();
        let gone = models["items"].as_array().expect("a list").iter().find(|model| model["name"] == "gamma").expect("gamma");
        let id = gone["id"].as_str().expect("an id").to_owned();
        assert_eq!(app.delete(&format!("/v1/model-router/models/{id}")).await.status, 204);
        admin.submit(&path, &revert, &[("kind", "general"), ("number", "1"), ("current", "2")]).await.leads_to(&path);
        let page = admin.get(&path).await.expect(200);
        assert!(page.shows("without gamma, which is not in the catalog anymore"), "{}", page.html);
        assert_eq!(in_force(&app, "general").await, json!(["beta"]));
        for (number, kind) in [("9", "general"), ("x", "general"), ("1", "content_policy"), ("1", "x")] {
            let fields = [("kind", kind), ("number", number), ("current", "3")];
            admin.submit(&path, &revert, &fields).await.expect(404);
        }
    }

    async fn the_list_shows_every_chain_and_leads_to_a_new_one(app: App) {
        let path = editor(&app.organization).await;
        app.organization.fallback("alpha", General, &["beta"]).await;
        app.organization.fallback("alpha", ContextWindow, &["gamma"]).await;
        let member = Browser::logged_in(&app, &app.organization.member(Role::Member).await).await;
        let page = member.get("/fallbacks").await.expect(200);
        for part in ["General fallbacks of alpha", "Context window fallbacks of alpha", "Without a fallback", &path] {
            assert!(page.shows(part), "{part}: {}", page.html);
        }
        assert!(!page.shows("New fallback"), "a member changes nothing");
        let page = member.get(&path).await.expect(200);
        assert!(!page.shows("name=\"save\"") && !page.shows("/revert"), "{}", page.html);
        member.get("/fallbacks?model=alpha").await.leads_to(&path);
        assert!(member.get("/fallbacks?model=nobody").await.expect(200).shows("There is no model"));
        let page = member.get("/fallbacks?after=alpha").await.expect(200);
        assert!(page.shows("0 of 1 model"), "{}", page.html);
    }

    async fn another_organization_sees_nothing_of_it(app: App) {
        let path = editor(&app.organization).await;
        let other = Browser::owner(&app, "other").await;
        other.get(&path).await.expect(404);
        let token = other.get("/fallbacks").await.expect(200).token();
        other.submit_with(&token, &path, &[("general", "beta"), ("save", "now")]).await.expect(404);
        let revert = [("kind", "general"), ("number", "1"), ("current", "1")];
        other.submit_with(&token, &format!("{path}/revert"), &revert).await.expect(404);
        other.get("/fallbacks?model=alpha").await.expect(200);
    }

    async fn many_models_get_the_same_list_at_once(app: App) {
        let path = editor(&app.organization).await;
        let admin = admin(&app).await;
        let embedding = json!({"name": "vectors", "provider_id": app.get("/v1/model-router/providers").await.json()["items"][0]["id"], "kind": "embedding"});
        assert_eq!(app.post("/v1/model-router/models", &embedding).await.status, 201);
        app.organization.fallback("alpha", General, &["delta"]).await;
        let many = "/fallbacks/many";
        assert!(admin.get("/fallbacks").await.expect(200).shows(&format!("href=\"{many}\"")));
        assert!(admin.get(&path).await.expect(200).shows("href=\"/fallbacks/many?from="));
        // Boxes of models without a list are checked, unless the address says otherwise.
        for (query, checked) in [("", 3), ("?tick=all", 4), ("?tick=none", 0)] {
            let page = admin.get(&format!("{many}{query}")).await.expect(200);
            assert_eq!(page.html.matches(" checked>").count(), checked, "{query}: {}", page.html);
        }
        let from = path.replace("/fallbacks/", "?from=");
        let page = admin.get(&format!("{many}{from}")).await.expect(200);
        assert!(page.shows("value=\"delta\" autocomplete"), "{}", page.html);

        let page = admin.get(many).await.expect(200);
        let mut boxes: Vec<String> = models(&page, "for");
        assert_eq!(boxes.len(), 5);
        let vectors = boxes.pop().expect("a box");
        let chosen = |chain: &[&str], boxes: &[String]| -> Vec<(&'static str, String)> {
            let chain = chain.iter().map(|name| ("fallback", (*name).to_owned()));
            chain.chain(boxes.iter().map(|value| ("for", value.clone()))).collect()
        };
        let sent = async |fields: &[(&'static str, String)]| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            admin.submit(many, many, &fields).await
        };
        for (fields, problem) in [
            (chosen(&[""], &boxes), "Enter at least one fallback."),
            (chosen(&["omega"], &boxes), "There is no model called “omega”."),
            (chosen(&["beta"], &[]), "Check at least one model."),
            (chosen(&["beta"], &[vectors]), "vectors is an embedding model, which these fallbacks cannot replace."),
            (chosen(&["beta", "vectors"], &boxes), "beta is a chat model, and vectors is an embedding model"),
            (chosen(&["alpha"], &boxes[..1]), "A model is no fallback of itself."),
        ] {
            let page = sent(&fields).await.expect(422);
            assert!(page.shows(problem), "{problem}: {}", page.html);
        }
        assert_eq!(in_force(&app, "general").await, json!(["delta"]));

        let fields = chosen(&["beta", " gamma ", "beta", ""], &boxes);
        sent(&fields).await.leads_to("/fallbacks");
        assert!(admin.get("/fallbacks").await.shows("Saved for 4 models. The next requests use it."));
        assert_eq!(in_force(&app, "general").await, json!(["beta", "gamma"]));
        let of_beta = app.get("/fallback/beta?fallback_type=general").await.json();
        assert_eq!(of_beta["fallback_models"], json!(["gamma"]), "a model is no fallback of itself");
        // The same form again is out of date, and changes nothing.
        let fields = chosen(&["delta"], &boxes);
        let page = sent(&fields).await.expect(409);
        assert!(page.shows("nothing was saved") && page.shows("now: beta and gamma"), "{}", page.html);
        assert_eq!(in_force(&app, "general").await, json!(["beta", "gamma"]));
    }
}
