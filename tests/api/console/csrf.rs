//! CSRF: every form that was not sent from our own page is refused without effect.

use failsoft::app::routes::{Access, ROUTES, Surface, Verb};

use crate::support::app::App;
use crate::support::browser::{Browser, PASSWORD, Page};
use crate::support::database::Kind;
use crate::support::on_both_databases;

/// The headers of requests that a foreign page can trigger.
fn hostile(host: &str) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    vec![
        ("another site", vec![("origin", "https://evil.test".to_owned())]),
        ("a sandboxed frame", vec![("origin", "null".to_owned())]),
        ("another site, as new browsers say it", vec![("sec-fetch-site", "cross-site".to_owned())]),
        ("a sub-domain", vec![("sec-fetch-site", "same-site".to_owned())]),
        ("the same host over another scheme", vec![("origin", format!("https://{host}"))]),
    ]
}

/// Every path that accepts a form, with well-formed ids that do not exist.
fn posts() -> Vec<(String, Access)> {
    let pages = ROUTES.iter().filter(|route| route.surface == Surface::Page && route.method == Verb::Post);
    let posts: Vec<(String, Access)> = pages
        .map(|route| {
            let path = route.path.replace("{id}", "01920000-0000-7000-8000-000000000000");
            (path.replace("{secret}", "c2VjcmV0"), route.access)
        })
        .collect();
    assert!(posts.len() >= 3 && posts.iter().all(|(path, _)| !path.contains('{')), "{posts:?}");
    posts
}

fn assert_refused(page: &Page, path: &str, how: &str) {
    assert_eq!(page.status, 403, "{path} from {how}: {}", page.html);
    assert!(page.shows("nothing was changed"), "{path} from {how}: {}", page.html);
}

on_both_databases! {
    async fn every_form_is_refused_from_every_hostile_origin_even_with_its_token(app: App) {
        let browser = Browser::owner(&app, "acme").await;
        let own = browser.get("/").await.token();
        let guest = Browser::new(&app);
        let guests = guest.get("/login").await.token();
        let host = app.url("").trim_start_matches("http://").to_owned();
        for (path, access) in posts() {
            let (sender, token) = if access == Access::Public { (&guest, &guests) } else { (&browser, &own) };
            let fields = [("form_token", token.as_str()), ("email", "acme@example.com"), ("password", PASSWORD)];
            for (how, headers) in hostile(&host) {
                let mut request = sender.post(&path, &fields);
                for (name, value) in &headers {
                    request = request.header(*name, value);
                }
                assert_refused(&sender.send(request).await, &path, how);
            }
        }
        assert_eq!(browser.get("/").await.status, 200, "still logged in");
    }

    async fn every_form_is_refused_without_the_token_of_its_own_session(app: App) {
        let browser = Browser::owner(&app, "acme").await;
        let own = browser.get("/").await.token();
        let other = Browser::owner(&app, "other").await.get("/").await.token();
        let again = Browser::logged_in(&app, "acme@example.com").await.get("/").await.token();
        let guest = Browser::new(&app);
        let guests = guest.get("/login").await.token();
        let another_guest = Browser::new(&app).get("/login").await.token();
        for (path, access) in posts() {
            let (sender, wrong) = match access {
                Access::Public => (&guest, ["", "x", &own, &another_guest, &guests[1..]]),
                _ => (&browser, ["", &guests, &other, &again, &own[1..]]),
            };
            for token in wrong {
                let fields = [("form_token", token), ("email", "acme@example.com"), ("password", PASSWORD)];
                assert_refused(&sender.send(sender.post(&path, &fields)).await, &path, token);
                assert_refused(&sender.send(sender.post(&path, &fields[1..])).await, &path, "no token");
            }
        }
        assert_eq!(browser.get("/").await.status, 200, "still logged in");
    }

    async fn a_form_for_members_leads_a_stranger_to_the_log_in(app: App) {
        for (path, access) in posts().iter().filter(|(_, access)| *access != Access::Public) {
            let stranger = Browser::new(&app);
            let page = stranger.send(stranger.post(path, &[])).await;
            assert_eq!((page.status, page.location.as_str()), (303, "/login"), "{path} {access:?}");
        }
    }

    async fn a_form_sent_after_the_log_out_does_nothing(app: App) {
        let browser = Browser::owner(&app, "acme").await;
        let copy = browser.copy();
        let token = browser.get("/").await.token();
        browser.submit_with(&token, "/logout", &[]).await.leads_to("/login");
        copy.submit_with(&token, "/logout", &[]).await.leads_to("/login");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guests_cookie_is_signed() {
    let app = App::start(Kind::Sqlite).await;
    let guest = Browser::new(&app);
    let token = guest.get("/login").await.token();
    let cookie = guest.cookie("failsoft-guest").expect("a cookie");
    let (_, mac) = cookie.split_once('.').expect("a signature");
    let forger = Browser::new(&app);
    forger.set_cookie("failsoft-guest", &format!("AAAAAAAAAAAAAAAAAAAAAA.{mac}"));
    assert_refused(&forger.submit_with(&token, "/login", &[]).await, "/login", "a forged cookie");
}
