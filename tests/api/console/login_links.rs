//! `/reset/{secret}` and `/enter/{secret}`: links that sign one person in.

use std::time::Duration;

use chrono::TimeDelta;
use failsoft::auth::console::link_secret;
use failsoft::domain::actor::Actor;
use failsoft::store::LinkKind;

use crate::support::app::{App, beginning};
use crate::support::browser::{Browser, PASSWORD};
use crate::support::on_both_databases;

const NEW: &str = "a horse of another color";

/// A link that only the command line creates.
async fn link(app: &App, kind: LinkKind, email: &str) -> String {
    let store = &app.organization.vault;
    let user = store.system().user_by_email(email).await.expect("read").expect("a user");
    let (secret, hash) = link_secret::generate(store.vault()).expect("random bytes");
    let (end, actor) = (beginning() + TimeDelta::hours(24), Actor::system("test"));
    store.system().link_create(kind, user.id, hash, end, &actor).await.expect("made");
    link_secret::path(if kind == LinkKind::Reset { "reset" } else { "enter" }, &secret)
}

on_both_databases! {
    async fn a_new_password_ends_every_session_and_every_other_link(app: App) {
        let before = Browser::owner(&app, "acme").await;
        let first = link(&app, LinkKind::Reset, "acme@example.com").await;
        let second = link(&app, LinkKind::Reset, "acme@example.com").await;
        let guest = Browser::new(&app);
        assert!(guest.get(&first).await.expect(200).shows("acme@example.com"));
        guest.submit(&first, &first, &[("password", "short")]).await.expect(422);
        assert_eq!(before.get("/").await.status, 200);

        guest.submit(&first, &first, &[("password", NEW)]).await.leads_to("/login");
        assert!(guest.get("/login").await.shows("Your password was changed."));
        before.get("/").await.leads_to("/login");
        for used in [&first, &second] {
            guest.get(used).await.expect(404);
        }
        let old = [("email", "acme@example.com"), ("password", PASSWORD)];
        guest.submit("/login", "/login", &old).await.expect(422);
        let new = [("email", "acme@example.com"), ("password", NEW)];
        guest.submit("/login", "/login", &new).await.leads_to("/");
    }

    async fn a_link_works_for_a_day_and_for_its_own_page(app: App) {
        Browser::owner(&app, "acme").await;
        let reset = link(&app, LinkKind::Reset, "acme@example.com").await;
        let guest = Browser::new(&app);
        let token = guest.get(&reset).await.expect(200).token();
        let elsewhere = reset.replace("/reset/", "/enter/");
        guest.get(&elsewhere).await.expect(404);
        guest.submit_with(&token, &elsewhere, &[]).await.expect(404);
        guest.get(&reset.replace("/reset/", "/invite/")).await.expect(404);
        let mut cut = reset.clone();
        cut.pop();
        guest.get(&cut).await.expect(404);
        app.clock.advance(Duration::from_secs(86_400));
        guest.get(&reset).await.expect(404);
        guest.submit_with(&token, &reset, &[("password", NEW)]).await.expect(404);
        Browser::logged_in(&app, "acme@example.com").await;
    }

    async fn a_console_link_logs_in_once_by_its_form(app: App) {
        // This account has no password.
        let enter = link(&app, LinkKind::Console, "first@example.com").await;
        let guest = Browser::new(&app);
        for _ in 0..2 {
            guest.get(&enter).await.expect(200);
            assert!(guest.cookie("failsoft").is_none(), "opening it uses nothing up");
        }
        guest.submit(&enter, &enter, &[]).await.leads_to("/");
        assert!(guest.get("/").await.expect(200).shows("first"));
        let other = Browser::new(&app);
        other.get(&enter).await.expect(404);
        let token = other.get("/login").await.token();
        other.submit_with(&token, &enter, &[]).await.expect(404);
    }

    async fn an_owner_creates_links_for_members_only(app: App) {
        let owner = Browser::logged_in(&app, &app.organization.member(failsoft::domain::permission::Role::Owner).await).await;
        let email = app.organization.member(failsoft::domain::permission::Role::Member).await;
        let id = app.organization.user_id(&email).await;
        let made = owner.submit("/members", &format!("/members/{id}/reset-link"), &[]).await.expect(200);
        assert!(made.shows(&email), "{}", made.html);
        let path = made.link(&app.url("/reset/")).replace(&app.url(""), "");
        let guest = Browser::new(&app);
        guest.get(&path).await.expect(200);

        // The member joins another organization: a link from here would open that one, too.
        let elsewhere = Browser::owner(&app, "elsewhere").await;
        let fields = [("email", email.as_str()), ("role", "owner")];
        let invitation = elsewhere.submit("/members", "/members/invite", &fields).await.expect(200);
        let join = invitation.link(&app.url("/invite/")).replace(&app.url(""), "");
        guest.submit(&join, &join, &[("password", PASSWORD)]).await.leads_to("/");
        guest.get(&path).await.expect(404);
        let refused = owner.submit("/members", &format!("/members/{id}/reset-link"), &[]).await.expect(409);
        assert!(refused.shows("failsoft user reset-link"), "{}", refused.html);
    }
}
