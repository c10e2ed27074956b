//! Password guessing is throttled per account and address, equally for accounts that do not exist. Only the guesser
//! is locked out.

use std::time::Duration;

use crate::support::app::App;
use crate::support::browser::{Browser, PASSWORD, Page};
use crate::support::database::Kind;

async fn attempt(browser: &Browser, email: &str, password: &str) -> Page {
    browser.submit("/login", "/login", &[("email", email), ("password", password)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_guessed_at_ten_times_whether_it_exists_or_not() {
    let app = App::start(Kind::Sqlite).await;
    Browser::owner(&app, "acme").await;
    let mut refusals = Vec::new();
    for email in ["acme@example.com", "nobo@example.com"] {
        let browser = Browser::new(&app);
        for _ in 0..10 {
            attempt(&browser, email, "wrong horse battery").await.expect(422);
        }
        let refused = attempt(&browser, email, PASSWORD).await.expect(429);
        assert!(refused.shows("Wait 60 seconds"), "{}", refused.html);
        refusals.push((refused.html.clone(), refused.answer.header("retry-after").to_owned()));
    }
    assert_eq!(refusals[0], refusals[1]);
    assert_eq!(refusals[0].1, "60");
    app.clock.advance(Duration::from_secs(60));
    attempt(&Browser::new(&app), "acme@example.com", PASSWORD).await.leads_to("/");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_tries_thirty_passwords_and_a_proxy_may_speak_for_others() {
    let app = App::start_with(Kind::Sqlite, |settings| {
        settings.server.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
    })
    .await;
    let browser = Browser::new(&app);
    let token = browser.get("/login").await.token();
    let attempt = async |client: &str, number: usize| {
        let email = format!("nobody{number}@example.com");
        let fields = [("form_token", token.as_str()), ("email", &email), ("password", PASSWORD)];
        browser.send(browser.post("/login", &fields).header("x-forwarded-for", client)).await.status
    };
    for number in 0..30 {
        assert_eq!(attempt("198.51.100.1", number).await, 422);
    }
    assert_eq!(attempt("198.51.100.1", 30).await, 429);
    assert_eq!(attempt("203.0.113.7, 198.51.100.1", 31).await, 429, "what a client claims is nothing");
    assert_eq!(attempt("198.51.100.2", 32).await, 422);
    app.clock.advance(Duration::from_secs(2));
    assert_eq!(attempt("198.51.100.1", 33).await, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_locks_no_owner_out() {
    let app = App::start_with(Kind::Sqlite, |settings| {
        settings.server.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
    })
    .await;
    let owner = Browser::owner(&app, "acme").await;
    owner.submit("/", "/logout", &[]).await.leads_to("/login");
    let login = async |browser: &Browser, client: &str, password: &str| {
        let token = browser.get("/login").await.token();
        let fields = [("form_token", token.as_str()), ("email", "acme@example.com"), ("password", password)];
        browser.send(browser.post("/login", &fields).header("x-forwarded-for", client)).await.status
    };
    let guesser = Browser::new(&app);
    for round in 0..3 {
        while login(&guesser, "198.51.100.1", "wrong horse battery").await == 422 {}
        assert_eq!(login(&guesser, "198.51.100.1", PASSWORD).await, 429, "{round}");
        // From elsewhere, even in a new browser.
        assert_eq!(login(&Browser::new(&app), "198.51.100.2", PASSWORD).await, 303, "{round}");
        // And from the same address, in a known browser.
        assert_eq!(login(&owner.copy(), "198.51.100.1", PASSWORD).await, 303, "{round}");
        app.clock.advance(Duration::from_secs(60));
    }
    // A browser is only known for its own account, and a forged cookie is ignored.
    let mallory = Browser::owner(&app, "mallory").await;
    mallory.submit("/", "/logout", &[]).await.leads_to("/login");
    while login(&guesser, "198.51.100.1", "wrong horse battery").await == 422 {}
    assert_eq!(login(&mallory.copy(), "198.51.100.1", PASSWORD).await, 422, "right, but not its account");
    let forged = Browser::new(&app);
    let cookie = owner.cookie("failsoft-device").expect("a known browser");
    forged.set_cookie("failsoft-device", &format!("{}x", cookie));
    assert_eq!(login(&forged, "198.51.100.1", PASSWORD).await, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_are_not_made_by_the_thousand() {
    let app = App::start(Kind::Sqlite).await;
    for number in 0..20 {
        Browser::owner(&app, &format!("acme{number}")).await;
    }
    let browser = Browser::new(&app);
    let fields = [("organization", "One more"), ("email", "more@example.com"), ("password", PASSWORD)];
    browser.submit("/signup", "/signup", &fields).await.expect(429);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_setting_for_sign_ups_bounds_those_of_all_addresses() {
    let app = App::start_with(Kind::Sqlite, |settings| {
        settings.server.trusted_proxies = vec!["127.0.0.1".parse().expect("an address")];
        settings.console.signups_per_hour = std::num::NonZeroU32::new(10).expect("not 0");
    })
    .await;
    let sign_up = async |number: usize| {
        let browser = Browser::new(&app);
        let token = browser.get("/signup").await.token();
        let (name, email) = (format!("acme{number}"), format!("acme{number}@example.com"));
        let fields = [
            ("form_token", token.as_str()),
            ("organization", &name),
            ("email", &email),
            ("password", PASSWORD),
        ];
        let request =
            browser.post("/signup", &fields).header("x-forwarded-for", format!("198.51.100.{number}"));
        browser.send(request).await.status
    };
    // A fifth of the hour's at once, then one every six minutes.
    let mut statuses = Vec::new();
    for number in 0..4 {
        statuses.push(sign_up(number).await);
    }
    assert_eq!(statuses, [303, 303, 429, 429]);
    app.clock.advance(Duration::from_secs(360));
    assert_eq!((sign_up(4).await, sign_up(5).await), (303, 429));
}
