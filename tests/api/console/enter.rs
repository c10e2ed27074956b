//! `/signup`, `/login`, `/logout`: who gets a session, and how long it lives.

use std::time::Duration;

use reqwest::Method;

use crate::support::app::App;
use crate::support::browser::{Browser, PASSWORD};
use crate::support::database::Kind;
use crate::support::on_both_databases;

on_both_databases! {
    async fn who_signs_up_is_logged_in_as_the_owner_of_an_organization(app: App) {
        let browser = Browser::new(&app);
        browser.get("/").await.leads_to("/login");
        browser.get("/?range=7d").await.leads_to("/login?next=%2F%3Frange%3D7d");
        let fields = [("organization", " Acme & Söhne "), ("email", "Ann@Example.com"), ("password", PASSWORD)];
        browser.submit("/signup", "/signup", &fields).await.leads_to("/start");
        let home = browser.get("/").await.expect(200);
        assert!(home.shows("Acme &#38; Söhne") && home.shows("ann@example.com"), "{}", home.html);
        assert!(home.shows("owner"), "{}", home.html);
        assert!(!home.shows(">first<"), "another organization: {}", home.html);

        browser.get("/login").await.leads_to("/");
        let out = browser.submit("/", "/logout", &[]).await.leads_to("/login");
        assert!(browser.cookie("failsoft").is_none(), "{out:?}");
        let login = browser.get("/login").await.expect(200);
        assert!(login.shows("You are logged out."), "{}", login.html);
        assert!(!browser.get("/login").await.shows("You are logged out."), "a message is shown once");
        browser.get("/").await.leads_to("/login");

        let fields = [("email", "ANN@example.com"), ("password", PASSWORD), ("next", "/docs/api")];
        browser.submit("/login?next=/docs/api", "/login", &fields).await.leads_to("/docs/api");
        assert_eq!(browser.get("/").await.status, 200);
    }

    async fn a_refused_form_says_why_and_keeps_what_was_typed(app: App) {
        let browser = Browser::new(&app);
        let fields = [("organization", " "), ("email", "ann<b>"), ("password", "short")];
        let page = browser.submit("/signup", "/signup", &fields).await.expect(422);
        for text in [
            r##"href="#organization""##,
            r##"href="#email""##,
            r##"href="#password""##,
            r#"value="ann&#60;b&#62;""#,
            "at least 10 characters",
            r#"aria-invalid="true""#,
            r#"aria-describedby="password-hint password-problem""#,
        ] {
            assert!(page.shows(text), "{text}: {}", page.html);
        }
        assert!(!page.shows(r#"value="short""#), "a password is not shown again");

        Browser::owner(&app, "acme").await;
        let taken = [("organization", "Other"), ("email", "ACME@example.com"), ("password", PASSWORD)];
        let page = browser.submit("/signup", "/signup", &taken).await.expect(422);
        assert!(page.shows("There is an account with this address"), "{}", page.html);
    }

    async fn known_and_unknown_addresses_are_answered_alike(app: App) {
        Browser::owner(&app, "acme").await;
        let mut pages = Vec::new();
        // The first organization's owner has no password at all.
        for email in ["acme@example.com", "nobo@example.com", "first@example.com"] {
            let browser = Browser::new(&app);
            let token = browser.get("/login").await.token();
            let fields = [("email", email), ("password", "wrong horse battery")];
            let page = browser.submit_with(&token, "/login", &fields).await.expect(422);
            assert!(page.shows("The e-mail address or the password is wrong."), "{}", page.html);
            assert!(browser.cookie("failsoft").is_none());
            let names: Vec<String> = page.answer.headers.keys().map(ToString::to_string).collect();
            pages.push((page.html.replace(email, "-").replace(&page.token(), "-"), names));
        }
        assert_eq!(pages[0], pages[1]);
        assert_eq!(pages[0].0, pages[2].0.replace("first@example.com", "-"));
    }

    async fn a_session_dies_at_once_and_everywhere(app: App) {
        let browser = Browser::owner(&app, "acme").await;
        let copy = browser.copy();
        assert_eq!(copy.get("/").await.status, 200);
        browser.submit("/", "/logout", &[]).await.leads_to("/login");
        // The cookie that somebody kept is worth nothing.
        copy.get("/").await.leads_to("/login");
    }

    async fn a_session_ends_when_it_idles_and_after_a_week_in_any_case(app: App) {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let idle = Browser::owner(&app, "acme").await;
        app.clock.advance(hours(12) - Duration::from_secs(1));
        assert_eq!(idle.get("/").await.status, 200);
        app.clock.advance(hours(12));
        idle.get("/").await.leads_to("/login");

        let busy = Browser::logged_in(&app, "acme@example.com").await;
        for _ in 0..15 {
            app.clock.advance(hours(11));
            assert_eq!(busy.get("/").await.status, 200);
        }
        app.clock.advance(hours(3) - Duration::from_secs(1));
        assert_eq!(busy.get("/").await.status, 200);
        app.clock.advance(Duration::from_secs(1));
        busy.get("/").await.leads_to("/login");
    }

    async fn a_cookie_that_was_tampered_with_is_no_session(app: App) {
        let browser = Browser::owner(&app, "acme").await;
        let good = browser.cookie("failsoft").expect("a session");
        let parts: Vec<&str> = good.split('.').collect();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
        let cut = &good[..good.len() - 1];
        for bad in ["", "x", "a.b.c", &unsigned, cut, &format!("{}.{}.AAAA", parts[0], parts[1])] {
            let stranger = Browser::new(&app);
            stranger.set_cookie("failsoft", bad);
            stranger.get("/").await.leads_to("/login");
        }
        // Nor is it read where it has another name, or a key in its place.
        let stranger = Browser::new(&app);
        stranger.set_cookie("__Host-failsoft", &good);
        stranger.get("/").await.leads_to("/login");
        let with_key = stranger.request(Method::GET, "/").bearer_auth(&app.organization.key);
        stranger.send(with_key).await.expect(404);
    }

    async fn the_api_reads_no_cookie(app: App) {
        let browser = Browser::owner(&app, "acme").await;
        for path in ["/v1/models", "/fallback", "/v1/identity/whoami", "/v1/model-router/requests"] {
            assert_eq!(browser.get(path).await.status, 401, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_takes_as_long_as_a_known_one() {
    let app = App::start(Kind::Sqlite).await;
    Browser::owner(&app, "acme").await;
    let browser = Browser::new(&app);
    let token = browser.get("/login").await.token();
    // The shortest of some: whatever else goes on makes it longer, never shorter.
    let shortest = async |email: &str| {
        let mut shortest = Duration::MAX;
        for _ in 0..5 {
            let fields = [("email", email), ("password", "wrong horse battery")];
            let start = std::time::Instant::now();
            browser.submit_with(&token, "/login", &fields).await.expect(422);
            shortest = shortest.min(start.elapsed());
        }
        shortest
    };
    let known = shortest("acme@example.com").await;
    for unknown in ["nobo@example.com", "first@example.com"] {
        let unknown = shortest(unknown).await;
        assert!(unknown * 2 > known && known * 2 > unknown, "{known:?} {unknown:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_up_can_be_closed() {
    let closed = |settings: &mut failsoft::config::Settings| {
        settings.console.signup = failsoft::config::console::SignUp::Closed;
    };
    let app = App::start_with(Kind::Sqlite, closed).await;
    let browser = Browser::new(&app);
    let page = browser.get("/signup").await.expect(200);
    assert!(page.shows("Sign-up is closed") && !page.shows("<form"), "{}", page.html);
    let login = browser.get("/login").await.expect(200);
    assert!(!login.shows("/signup"), "{}", login.html);
    let fields = [("organization", "Acme"), ("email", "ann@example.com"), ("password", PASSWORD)];
    let refused = browser.submit_with(&login.token(), "/signup", &fields).await;
    assert!(refused.expect(403).shows("Sign-up is closed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_https_the_cookie_is_secure_and_this_hosts_alone() {
    let app = App::start_with(Kind::Sqlite, |settings| {
        settings.server.public_url = Some("https://gateway.test".parse().expect("a URL"));
    })
    .await;
    let browser = Browser::new(&app);
    let token = browser.get("/signup").await.expect(200).token();
    let fields = [
        ("form_token", token.as_str()),
        ("organization", "Acme"),
        ("email", "ann@example.com"),
        ("password", PASSWORD),
    ];
    let sent = browser.post("/signup", &fields).header("origin", "https://gateway.test");
    let page = browser.send(sent).await.leads_to("/start");
    let cookies: Vec<&str> = page
        .answer
        .headers
        .get_all("set-cookie")
        .iter()
        .map(|value| value.to_str().expect("a text"))
        .collect();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    assert!(cookies[0].starts_with("__Host-failsoft=") && cookies[0].contains("Secure"), "{cookies:?}");
    assert_eq!(browser.get("/").await.status, 200);
    assert!(!browser.get("/").await.shows("not encrypted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_one_process_is_one_of_the_other() {
    let app = App::start(Kind::Sqlite).await;
    let beside = app.beside(|_| {}).await;
    let here = Browser::owner(&app, "acme").await;
    let there = Browser::new(&beside);
    there.set_cookie("failsoft", &here.cookie("failsoft").expect("a session"));
    // The other process has not heard of the organization yet.
    assert!(there.get("/").await.expect(200).shows("acme"));
    here.submit("/", "/logout", &[]).await.leads_to("/login");
    there.get("/").await.leads_to("/login");
}
