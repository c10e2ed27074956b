//! Error mappings: a message that no rule knows is mapped, on the page or through the API. It takes effect at once,
//! for its own organization only, until the mapping is deleted.

use failsoft::domain::fallback_type::FallbackType;
use failsoft::domain::permission::Role;
use failsoft::store::AuditFilter;
use failsoft::store::pagination::Direction;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{App, Organization, chat_body, with_json};
use crate::support::browser::Browser;
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::management::{
    assert_absent, assert_guarded, each, items, refusal, violation, violations,
};
use crate::support::on_both_databases;

const MAPPINGS: &str = "/v1/model-router/error-mappings";
const PAGE: &str = "/events/unclassified";

/// A model `a` with a general fallback and one for long prompts.
async fn chains(organization: &Organization, fake: &FakeProvider) {
    organization.catalog(fake, &["a", "plain", "large"]).await;
    organization.fallback("a", FallbackType::General, &["plain"]).await;
    organization.fallback("a", FallbackType::ContextWindow, &["large"]).await;
    fake.always(Script::answer("Hi"));
}

/// How a vendor's new message with these values is classified: class, rule and answering model; and the event.
async fn read_as(
    app: &App,
    organization: &Organization,
    fake: &FakeProvider,
    tokens: u32,
) -> (Value, String) {
    let message = format!(
        "Prompt of {tokens} tokens is beyond the ACME\u{2019}s `a-{tokens}` window (id: req_{tokens}xK)"
    );
    fake.next_for("a-upstream", Script::json(400, &json!({"error": {"message": message}})));
    let chat =
        with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(&json!({"model": "a"})));
    let answer = app.call(chat, &organization.key).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let events = app.request(Method::GET, "/v1/model-router/fallback-events?limit=1");
    let event = app.call(events, &organization.key).await.json()["items"][0].clone();
    let read = json!([event["error_class"], event["matched_rule"], answer.header("x-failsoft-model")]);
    (read, event["id"].as_str().expect("an id").to_owned())
}

fn unclassified() -> Value {
    json!(["invalid_request", "status:400", "plain"])
}

fn mapped() -> Value {
    json!(["context_window_exceeded", "mapping:context_window_exceeded", "large"])
}

/// The audit entries about mappings, newest first.
async fn audited(app: &App) -> Vec<(String, String)> {
    let filter = AuditFilter { resource_kind: Some("error_mapping".to_owned()), ..AuditFilter::default() };
    let page = app.organization.store.audit_page(&filter, Direction::First, 100).await.expect("the audit");
    page.items.into_iter().map(|entry| (entry.action, entry.actor_label)).collect()
}

on_both_databases! {
    async fn one_click_on_the_page_maps_a_sentence_and_another_takes_that_back(app: App) {
        let fake = FakeProvider::start().await;
        chains(&app.organization, &fake).await;
        let other = app.other_organization("other").await;
        chains(&other, &fake).await;
        let (read, event) = read_as(&app, &app.organization, &fake, 1015).await;
        assert_eq!(read, unclassified());

        let email = app.organization.member(Role::Admin).await;
        let browser = Browser::logged_in(&app, &email).await;
        let action = format!("/events/{event}/map");
        let page = browser.get(PAGE).await.expect(200);
        assert!(page.shows(&format!("action=\"{action}\"")) && page.shows("[[sentence]]"), "{}", page.html);
        let fields = [("class", "context_window_exceeded")];
        browser.submit(PAGE, &action, &fields).await.leads_to(PAGE);
        let (read, _) = read_as(&app, &app.organization, &fake, 77).await;
        assert_eq!(read, mapped(), "other values of the same sentence");
        assert_eq!(read_as(&app, &other, &fake, 77).await.0, unclassified(), "another organization");

        let page = browser.get(PAGE).await.expect(200);
        assert!(page.shows("are classified as context_window_exceeded"), "{}", page.html);
        assert!(page.shows("To undo this, delete the mapping"), "{}", page.html);
        assert!(page.shows("Mapped as context_window_exceeded") && !page.shows(&action), "{}", page.html);
        // Submitting twice creates one.
        let again = browser.submit(PAGE, &action, &fields).await.expect(422);
        assert!(again.shows("mapped already, as context_window_exceeded"), "{}", again.html);

        let mappings = items(&app, MAPPINGS).await;
        assert_eq!(mappings.len(), 1);
        assert_eq!(mappings[0]["contains"], json!(["prompt of", "tokens is beyond the acme's", "window (id"]));
        assert!(mappings[0]["provider_id"].is_string() && mappings[0]["created_by"].is_string());
        let action = format!("/events/mappings/{}/delete", mappings[0]["id"].as_str().expect("an id"));
        browser.submit(PAGE, &action, &[]).await.leads_to(PAGE);
        let page = browser.get(PAGE).await.expect(200);
        assert!(page.shows("are no longer classified as context_window_exceeded"), "{}", page.html);
        assert_eq!(read_as(&app, &app.organization, &fake, 9).await.0, unclassified());
        let who = email.as_str();
        let audit = audited(&app).await;
        let audit: Vec<_> = audit.iter().map(|(action, actor)| (action.as_str(), actor.as_str())).collect();
        assert_eq!(audit, [("error_mapping.delete", who), ("error_mapping.create", who)]);
    }

    async fn what_the_page_cannot_map_says_why(app: App) {
        let fake = FakeProvider::start().await;
        chains(&app.organization, &fake).await;
        let (_, event) = read_as(&app, &app.organization, &fake, 1015).await;
        let member = Browser::logged_in(&app, &app.organization.member(Role::Member).await).await;
        let page = member.get(PAGE).await.expect(200);
        assert!(!page.shows("/map\"") && page.shows("An owner or an admin can map it"), "{}", page.html);
        let admin = Browser::logged_in(&app, &app.organization.member(Role::Admin).await).await;
        let action = format!("/events/{event}/map");
        for class in ["", "rate_limited", "nonsense"] {
            let page = admin.submit(PAGE, &action, &[("class", class)]).await.expect(422);
            assert!(page.shows("Choose one of the classes in the list"), "{}", page.html);
        }
        fake.next_for("a-upstream", Script::error(400, "context_length_exceeded", "a known one"));
        app.chat(&json!({"model": "a"})).await;
        let known = app.events().await.pop().expect("an event")["id"].as_str().expect("an id").to_owned();
        let page = admin.submit(PAGE, &format!("/events/{known}/map"), &[("class", "content_policy")]).await;
        assert!(page.expect(422).shows("The rule code:context_length_exceeded already classified this failure"));
        let forged = admin.submit_with("forged", &action, &[("class", "content_policy")]).await;
        assert_eq!((forged.status, items(&app, MAPPINGS).await.len()), (403, 0), "{}", forged.html);
    }

    async fn a_mapping_is_made_read_and_deleted_through_the_api(app: App) {
        let fake = FakeProvider::start().await;
        chains(&app.organization, &fake).await;
        let other = app.other_organization("other").await;
        chains(&other, &fake).await;
        assert_eq!(read_as(&app, &app.organization, &fake, 1015).await.0, unclassified());
        let body = json!({"contains": ["Tokens is  BEYOND the acme"], "class": "context_window_exceeded"});
        let made = app.post(MAPPINGS, &body).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let (path, mapping) = (made.header("location").to_owned(), made.json());
        assert_eq!(mapping["contains"], json!(["tokens is beyond the acme"]));
        for absent in ["provider_id", "status", "scope", "created_by"] {
            assert_eq!(mapping[absent], Value::Null, "{mapping}");
        }
        assert_eq!(app.get(&path).await.json(), mapping);
        assert_eq!(read_as(&app, &app.organization, &fake, 77).await.0, mapped());
        assert_eq!(read_as(&app, &other, &fake, 77).await.0, unclassified());
        assert_eq!(refusal(&app.post(MAPPINGS, &body).await).0, 409);
        assert_eq!(app.delete(&path).await.status, 204);
        assert_eq!(read_as(&app, &app.organization, &fake, 77).await.0, unclassified());
        let id = path.rsplit('/').next().expect("an id");
        assert_absent(&app, Method::GET, MAPPINGS, id).await;
        assert_absent(&app, Method::DELETE, MAPPINGS, id).await;
        let audit: Vec<String> = audited(&app).await.into_iter().map(|(action, _)| action).collect();
        assert_eq!(audit, ["error_mapping.delete", "error_mapping.create"]);
    }

    async fn a_mapping_holds_for_its_provider_and_its_status_alone(app: App) {
        let fake = FakeProvider::start().await;
        chains(&app.organization, &fake).await;
        let another = app.organization.provider("another", &fake).await;
        let body = |more: Value| {
            let mut body = json!({"contains": ["tokens is beyond the acme"], "class": "context_window_exceeded"});
            body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            body
        };
        for (more, expected) in [
            (json!({"provider_id": another}), unclassified()),
            (json!({"status": 413}), unclassified()),
            (json!({"status": 400}), mapped()),
        ] {
            let made = app.post(MAPPINGS, &body(more.clone())).await;
            assert_eq!(made.status, 201, "{}", made.text());
            assert_eq!(read_as(&app, &app.organization, &fake, 77).await.0, expected, "{more}");
        }
        // Deleting a provider deletes its mappings.
        assert_eq!(app.delete(&format!("/v1/model-router/providers/{another}")).await.status, 204);
        assert_eq!(each(&items(&app, MAPPINGS).await, "status"), ["400", "413"]);
    }

    async fn invalid_mappings_are_refused_by_name(app: App) {
        let good = || vec!["long enough"];
        for (body, field) in [
            (json!({"class": "content_policy"}), "body.contains missing"),
            (json!({"contains": null, "class": "content_policy"}), "body.contains list_type"),
            (json!({"contains": "long enough", "class": "content_policy"}), "body.contains list_type"),
            (json!({"contains": [7, "long enough"], "class": "content_policy"}), "body.contains.0 string_type"),
            (json!({"contains": [], "class": "content_policy"}), "body.contains too_short"),
            (json!({"contains": ["long enough", "short"], "class": "content_policy"}), "body.contains.1 value_error"),
            (json!({"contains": ["x".repeat(501)], "class": "content_policy"}), "body.contains.0 value_error"),
            (json!({"contains": ["long\u{0}enough"], "class": "content_policy"}), "body.contains.0 value_error"),
            (json!({"contains": vec!["long enough"; 9], "class": "content_policy"}), "body.contains too_long"),
            (json!({"contains": good()}), "body.class missing"),
            (json!({"contains": good(), "class": "rate_limited"}), "body.class literal_error"),
            (json!({"contains": good(), "class": 7}), "body.class literal_error"),
            (json!({"contains": good(), "scope": "model"}), "body.scope literal_error"),
            (json!({"contains": good(), "scope": "request", "class": "content_policy"}), "body.scope value_error"),
            (json!({"contains": good(), "class": "content_policy", "status": 429}), "body.status value_error"),
            (json!({"contains": good(), "scope": "request", "status": 200}), "body.status value_error"),
            (json!({"contains": good(), "class": "content_policy", "provider_id": "x"}), "body.provider_id uuid_parsing"),
            (json!({"contains": good(), "class": "content_policy", "provider_id": app.organization.id}), "body.provider_id value_error"),
            (json!({"contains": good(), "class": "content_policy", "more": 1}), "body.more extra_forbidden"),
        ] {
            assert_eq!(violation(&app.post(MAPPINGS, &body).await), field, "{body}");
        }
        let faulty = json!({"contains": [7, "short", "long enough"], "class": "none", "status": null, "provider_id": 5});
        let found = violations(&app.post(MAPPINGS, &faulty).await);
        let found: Vec<String> = found.into_iter().map(|(place, kind)| format!("{place} {kind}")).collect();
        assert_eq!(
            found,
            [
                "body.contains.0 string_type",
                "body.contains.1 value_error",
                "body.class literal_error",
                "body.provider_id string_type",
            ]
        );
        assert_eq!(items(&app, MAPPINGS).await.len(), 0);
        assert_eq!(app.post(MAPPINGS, &json!({"contains": good(), "scope": "request", "status": 429})).await.status, 201);
        assert_guarded(&app, Method::GET, MAPPINGS, "router:read").await;
        assert_guarded(&app, Method::POST, MAPPINGS, "router:manage").await;
    }

    async fn an_organization_has_so_many_and_no_more(app: App) {
        for number in 0..200 {
            let body = json!({"contains": [format!("sentence {number}")], "class": "content_policy"});
            assert_eq!(app.post(MAPPINGS, &body).await.status, 201, "{number}");
        }
        let body = json!({"contains": ["one too many"], "class": "content_policy"});
        let refused = app.post(MAPPINGS, &body).await;
        assert_eq!(refusal(&refused).0, 409);
        assert!(refused.text().contains("200 error mappings"), "{}", refused.text());
    }
}
