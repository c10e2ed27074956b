//! `/signup`, `/login`, `/logout`: how sessions begin, and how long they last.

use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Method;
use sea_orm::EntityTrait as _;

use crate::support::app::{App, eventually};
use crate::support::browser::{Browser, PASSWORD};
use crate::support::database::Kind;
use crate::support::on_both_databases;

/// The password of another account with the same address.
const OTHER: &str = "a horse of another color";

on_both_databases! {
    async fn signing_up_signs_in_as_the_owner_of_a_new_organization(app: App) {
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

    }

    async fn a_sign_up_does_not_say_whether_the_address_has_an_account(app: App) {
        Browser::owner(&app, "acme").await;
        let mut answers = Vec::new();
        for email in ["acme@example.com", "free@example.com"] {
            let browser = Browser::new(&app);
            let fields = [("organization", "Other"), ("email", email), ("password", OTHER)];
            let page = browser.submit("/signup", "/signup", &fields).await.leads_to("/start");
            let names: Vec<String> = page.answer.headers.keys().map(ToString::to_string).collect();
            let home = browser.get("/").await.expect(200).without_token().replace(email, "-");
            answers.push((page.html, names, home.contains("Other"), browser.get("/account").await.status));
        }
        assert_eq!(answers[0], answers[1]);
        // Two people with one address: each has an account, which the password identifies.
        for (password, organization, other) in [(PASSWORD, ">acme<", ">Other<"), (OTHER, ">Other<", ">acme<")] {
            let browser = Browser::new(&app);
            let fields = [("email", "acme@example.com"), ("password", password)];
            browser.submit("/login", "/login", &fields).await.leads_to("/");
            let account = browser.get("/account").await.expect(200);
            assert!(account.shows(organization) && !account.shows(other), "{}", account.html);
        }
    }

    async fn a_sign_up_that_is_sent_twice_makes_one_organization(app: App) {
        let browsers = [Browser::new(&app), Browser::new(&app)];
        let tokens = [browsers[0].get("/signup").await.token(), browsers[1].get("/signup").await.token()];
        let fields = [("organization", "Acme"), ("email", "ann@example.com"), ("password", PASSWORD)];
        let (one, two) = tokio::join!(
            browsers[0].submit_with(&tokens[0], "/signup", &fields),
            browsers[1].submit_with(&tokens[1], "/signup", &fields)
        );
        one.leads_to("/start");
        two.leads_to("/start");
        browsers[0].submit("/account", "/account/name", &[("name", "Ann")]).await.leads_to("/account");
        assert!(browsers[1].get("/members").await.shows("Ann"), "both are the same account");
        let account = browsers[1].get("/account").await.expect(200);
        assert!(!account.shows("Switch to"), "{}", account.html);
    }

    async fn a_common_password_or_ones_own_name_is_refused(app: App) {
        let browser = Browser::new(&app);
        for password in ["1234567890", "qwertyuiop", "compilers1", "grace.hopper"] {
            let fields = [("organization", "Compilers"), ("email", "grace.hopper@example.com"), ("password", password)];
            let page = browser.submit("/signup", "/signup", &fields).await.expect(422);
            assert!(page.shows("is easy to guess"), "{password}: {}", page.html);
        }
    }

    async fn a_name_that_cannot_be_read_is_refused_and_a_nul_is_not_removed(app: App) {
        let browser = Browser::new(&app);
        for (name, said) in [("Acme\u{202e}gro", "U+202E, which turns"), ("Ac\u{200b}me", "U+200B, which cannot be seen")] {
            let fields = [("organization", name), ("email", "ann@example.com"), ("password", PASSWORD)];
            let page = browser.submit("/signup", "/signup", &fields).await.expect(422);
            assert!(page.shows(said), "{}", page.html);
        }
        let fields = [("organization", "Ac\0me"), ("email", "ann@example.com"), ("password", PASSWORD)];
        let page = browser.submit("/signup", "/signup", &fields).await.expect(422);
        assert!(page.shows("holds a NUL character"), "{}", page.html);
        let fields = [("email", "ann@example.com"), ("password", PASSWORD)];
        browser.submit("/login", "/login", &fields).await.expect(422);
    }

    async fn log_ins_failed_ones_and_log_outs_are_in_the_audit(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        let person = Browser::logged_in(&app, "acme@example.com").await;
        person.submit("/", "/logout", &[]).await.leads_to("/login");
        let guest = Browser::new(&app);
        for _ in 0..9 {
            let fields = [("email", "acme@example.com"), ("password", "wrong horse battery")];
            guest.submit("/login", "/login", &fields).await.expect(422);
        }
        let shown = async || owner.get("/audit?kind=user").await.expect(200).html;
        // A failed sign-in is recorded after its response.
        let audit = eventually(async || {
            let audit = shown().await;
            (audit.matches("login failed, wrong password:").count() >= 5).then_some(audit)
        })
        .await;
        assert_eq!(audit.matches("login failed, wrong password:").count(), 5, "guessing does not fill it: {audit}");
        for (text, times) in [("Account logged in:", 2), ("Account logged out:", 1)] {
            assert_eq!(audit.matches(text).count(), times, "{text}: {audit}");
        }
        assert!(audit.contains("127.0.0.1") && audit.contains("unknown client"), "{audit}");
        assert!(!audit.contains("battery"), "{audit}");
        // An address without an account leaves no trace.
        let fields = [("email", "nobody@example.com"), ("password", "wrong horse battery")];
        guest.submit("/login", "/login", &fields).await.expect(422);
        let rows = entity::audit_entries::Entity::find().all(&app.database().await).await.expect("the rows");
        assert!(!format!("{rows:?}").contains("nobody@example.com"));
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
            assert!(page.shows("The email address or the password is wrong."), "{}", page.html);
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
        // A copied cookie is worthless.
        copy.get("/").await.leads_to("/login");
    }

    async fn a_session_ends_when_it_idles_and_after_a_week_in_any_case(app: App) {
        let hours = |hours: u64| Duration::from_secs(hours * 3_600);
        let idle = Browser::owner(&app, "acme").await;
        app.clock.advance(hours(12) - Duration::from_secs(1));
        assert_eq!(idle.get("/").await.status, 200);
        app.clock.advance(hours(12));
        idle.get("/").await.leads_to("/login");
        // The date decides, even if it was wrong in the meantime.
        app.clock.set_date_by(TimeDelta::hours(-1));
        assert_eq!(idle.get("/").await.status, 200);
        app.clock.set_date_by(TimeDelta::hours(13));
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
        // Nor is it accepted under another name, or a key in its place.
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

/// That it also takes as long is tested by the work that is done, next to `HashSettings`.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_gets_the_same_answer_as_a_known_one() {
    let app = App::start(Kind::Sqlite).await;
    Browser::owner(&app, "acme").await;
    let refused = async |email: &str| {
        let browser = Browser::new(&app);
        let token = browser.get("/login").await.token();
        let fields = [("email", email), ("password", "wrong horse battery")];
        let page = browser.submit_with(&token, "/login", &fields).await.expect(422);
        page.html.replace(email, "").replace(&token, "").replace(&page.token(), "")
    };
    let known = refused("acme@example.com").await;
    for unknown in ["nobo@example.com", "first@example.com"] {
        assert_eq!(refused(unknown).await, known, "{unknown}");
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
    // The session's cookie, and the cookie that marks a known browser.
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(cookies[0].starts_with("__Host-failsoft=") && cookies[1].starts_with("__Host-failsoft-device="));
    assert!(cookies.iter().all(|cookie| cookie.contains("Secure")), "{cookies:?}");
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
    // The other process does not know the organization yet.
    assert!(there.get("/").await.expect(200).shows("acme"));
    here.submit("/", "/logout", &[]).await.leads_to("/login");
    there.get("/").await.leads_to("/login");
}
