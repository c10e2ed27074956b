//! `/playground/stream`: the streamed answer, for pages with JavaScript; and the dialects, with and without it.

use std::time::Duration;

use failsoft::domain::permission::Role;
use reqwest::Response;
use serde_json::{Value, json};

use super::events::catalog;
use crate::support::app::App;
use crate::support::browser::Browser;
use crate::support::fake_provider::{Gate, Script};
use crate::support::on_both_databases;

const STREAM: &str = "/playground/stream";

/// The events of a stream so far: name and data.
#[derive(Default)]
struct Heard {
    text: String,
}

impl Heard {
    fn events(&self) -> Vec<(String, Value)> {
        let whole = self.text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
        let event = |event: &str| {
            let (name, data) = event.strip_prefix("event: ")?.split_once("\ndata: ")?;
            Some((name.to_owned(), serde_json::from_str(data).expect("JSON")))
        };
        whole.split("\n\n").filter_map(event).collect()
    }

    fn of(&self, name: &str) -> Vec<String> {
        let events = self.events().into_iter().filter(|(own, _)| own == name);
        events.map(|(_, data)| data.as_str().expect("a text").to_owned()).collect()
    }

    /// Reads until there is an event of that name.
    async fn until(&mut self, stream: &mut Response, name: &str) -> Vec<String> {
        let wanted = async {
            while self.of(name).is_empty() {
                let piece = stream.chunk().await.expect("a piece").expect("more");
                self.text.push_str(&String::from_utf8_lossy(&piece));
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wanted).await.expect("it comes within 20 seconds");
        self.of(name)
    }
}

async fn admin(app: &App) -> Browser {
    Browser::logged_in(app, &app.organization.member(Role::Admin).await).await
}

/// Submits the form as the page's script does.
async fn ask(browser: &Browser, model: &str) -> Response {
    ask_in(browser, "chat_completions", model).await
}

async fn ask_in(browser: &Browser, dialect: &str, model: &str) -> Response {
    let token = browser.get("/playground").await.expect(200).token();
    let fields =
        [("form_token", token.as_str()), ("dialect", dialect), ("model", model), ("prompt", "Say hello")];
    browser.open(browser.post(STREAM, &fields).header("sec-fetch-site", "same-origin")).await
}

on_both_databases! {
    async fn the_answer_comes_as_it_is_said_and_ends_as_the_page_without_a_script(app: App) {
        let fake = catalog(&app).await;
        let gate = Gate::new();
        fake.always_for(
            "good-upstream",
            Script::stream().text("Hel").wait_until(&gate).text("lo <b>you</b>").finish("stop").usage(3, 2).done(),
        );
        let admin = admin(&app).await;
        let mut stream = ask(&admin, "bad").await;
        assert_eq!(stream.status(), 200);
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        assert_eq!(stream.headers()["cache-control"], "no-store");
        let mut heard = Heard::default();
        assert_eq!(heard.until(&mut stream, "piece").await, ["Hel"]);
        assert_eq!(heard.of("began"), ["bad failed (overloaded). good is answering."]);
        gate.open();
        let done = heard.until(&mut stream, "done").await.remove(0);
        assert_eq!(heard.of("piece").concat(), "Hello <b>you</b>");
        for part in ["bad answered 503", "good answered · ", "Hello &#60;b&#62;you", "/events/0", r#"id="code""#] {
            assert!(done.contains(part), "{part}: {done}");
        }
        let request = app.requests(1).await.remove(0);
        assert_eq!((&request["outcome"], &request["streamed"]), (&json!("answered"), &json!(true)));
        assert_eq!(heard.of("asked"), [format!("/requests/{}", request["id"].as_str().expect("an id"))]);
        assert!(request["api_key_id"].is_null());
        assert!(stream.chunk().await.expect("the end").is_none());
    }

    async fn each_dialect_shows_its_answer_and_what_was_adapted(app: App) {
        let fake = catalog(&app).await;
        let admin = admin(&app).await;
        let dialects =
            [("chat_completions", "/v1/chat/completions"), ("messages", "/v1/messages"), ("responses", "/v1/responses")];
        for (dialect, endpoint) in dialects {
            // The provider speaks chat completions, so the others are translated for it.
            let adapted = |html: &str| html.contains("translated to OpenAI&#39;s chat completions");
            let asked = [("dialect", dialect), ("model", "good"), ("prompt", "Say hello")];
            let page = admin.submit("/playground", "/playground", &asked).await.expect(200);
            for part in ["good answered in ", "good answered · ", "<code>Hello</code>", &app.url(endpoint)] {
                assert!(page.shows(part), "{dialect} {part}: {}", page.html);
            }
            assert!(page.shows(&format!("value=\"{dialect}\" selected")), "{}", page.html);
            assert_eq!(adapted(&page.html), dialect != "chat_completions", "{dialect}: {}", page.html);

            let stream = Script::stream().text("Hel").text("lo, you").finish("stop").usage(3, 2).done();
            fake.next_for("good-upstream", stream);
            let mut heard = Heard::default();
            let done = heard.until(&mut ask_in(&admin, dialect, "good").await, "done").await.remove(0);
            assert_eq!(heard.of("piece").concat(), "Hello, you", "{dialect}");
            assert!(done.contains("<code>Hello, you</code>") && done.contains("good answered · "), "{dialect}: {done}");
            assert_eq!(adapted(&done), dialect != "chat_completions", "{dialect}: {done}");
        }
        let requests = app.requests(6).await;
        for (pair, (dialect, endpoint)) in requests.chunks(2).zip(dialects) {
            assert!(pair.iter().all(|request| request["endpoint"] == endpoint), "{dialect}: {pair:?}");
        }
        let page = admin.get("/playground?dialect=responses").await.expect(200);
        assert!(page.shows("value=\"responses\" selected"), "{}", page.html);
    }

    async fn failures_breaks_and_stops_are_shown_and_recorded(app: App) {
        let fake = catalog(&app).await;
        let admin = admin(&app).await;
        let mut heard = Heard::default();
        let done = heard.until(&mut ask(&admin, "worse").await, "done").await.remove(0);
        assert!(done.contains("No model answered. The caller would get: ") && done.contains("No model left"), "{done}");

        fake.next_for("good-upstream", Script::stream().text("Half").close());
        let mut heard = Heard::default();
        let done = heard.until(&mut ask(&admin, "good").await, "done").await.remove(0);
        assert!(done.contains("The answer was interrupted: ") && done.contains("good answered 200 after ") && done.contains("it stopped in the middle of its answer") && done.contains("Half"), "{done}");

        fake.next_for("good-upstream", Script::stream().text("On and").hang());
        let mut stream = ask(&admin, "good").await;
        Heard::default().until(&mut stream, "piece").await;
        let called = fake.served() - 1;
        drop(stream);
        fake.client_gone(called).await;
        let outcomes: Vec<Value> = app.requests(3).await.iter().map(|row| row["outcome"].clone()).collect();
        assert_eq!(outcomes, ["failed", "interrupted", "client_closed"]);
    }

    async fn only_our_own_page_of_a_permitted_user_is_answered(app: App) {
        let fake = catalog(&app).await;
        let admin = admin(&app).await;
        let token = admin.get("/playground").await.token();
        let fields = [("model", "good"), ("prompt", "Hello")];
        admin.submit_with("wrong", STREAM, &fields).await.expect(403);
        let full = [("form_token", token.as_str()), fields[0], fields[1]];
        let foreign = admin.post(STREAM, &full).header("origin", "https://elsewhere.example");
        admin.send(foreign.header("sec-fetch-site", "cross-site")).await.expect(403);
        Browser::new(&app).submit_with(&token, STREAM, &fields).await.leads_to("/login");
        // A key cannot open a page.
        let stranger = Browser::new(&app);
        let with_key = stranger.post(STREAM, &full).bearer_auth(&app.organization.key);
        stranger.send(with_key.header("sec-fetch-site", "same-origin")).await.expect(404);
        // A refused form returns as the page, with the typed values.
        let refused = [("dialect", "latin"), ("model", "nobody"), ("prompt", "")];
        let page = admin.submit_with(&token, STREAM, &refused).await.expect(422);
        for part in ["There is no such dialect", "There is no such model", "Enter a prompt"] {
            assert!(page.shows(part), "{part}: {}", page.html);
        }
        assert_eq!(fake.served(), 0);
    }
}
