//! `/account`: password, sessions, organizations.

use failsoft::domain::permission::Role;

use crate::support::browser::{Browser, PASSWORD};
use crate::support::on_both_databases;

const NEW: &str = "a horse of another color";

on_both_databases! {
    async fn a_changed_password_ends_the_other_sessions_and_keeps_this_one(app: App) {
        let here = Browser::owner(&app, "acme").await;
        let there = Browser::logged_in(&app, "acme@example.com").await;
        let change = async |current: &str, new: &str| {
            let fields = [("current_password", current), ("new_password", new)];
            here.submit("/account", "/account/password", &fields).await
        };
        assert!(change("wrong horse battery", NEW).await.expect(422).shows("not your current password"));
        assert!(change(PASSWORD, "short").await.expect(422).shows("at least 10 characters"));
        assert_eq!(there.get("/").await.status, 200);
        change(PASSWORD, NEW).await.leads_to("/account");
        assert_eq!(here.get("/").await.status, 200);
        there.get("/").await.leads_to("/login");
        let old = [("email", "acme@example.com"), ("password", PASSWORD)];
        there.submit("/login", "/login", &old).await.expect(422);
        there.submit("/login", "/login", &[("email", "acme@example.com"), ("password", NEW)]).await.leads_to("/");
    }

    async fn sessions_are_listed_and_ended_one_by_one_or_all_others(app: App) {
        let here = Browser::owner(&app, "acme").await;
        let there = Browser::logged_in(&app, "acme@example.com").await;
        let third = Browser::logged_in(&app, "acme@example.com").await;
        let page = here.get("/account").await.expect(200);
        assert_eq!(page.html.matches("127.0.0.1").count(), 3, "{}", page.html);
        let end = page.link("/account/sessions/01");
        here.submit("/account", &end, &[]).await.leads_to("/account");
        let living = [there.get("/").await.status, third.get("/").await.status];
        assert_eq!(living.iter().filter(|status| **status == 200).count(), 1, "{living:?}");
        here.submit("/account", &end, &[]).await.expect(404);
        here.submit("/account", "/account/sessions/end-others", &[]).await.leads_to("/account");
        assert!(here.get("/account").await.shows("One other session was ended."));
        there.get("/").await.leads_to("/login");
        third.get("/").await.leads_to("/login");
        assert_eq!(here.get("/").await.status, 200);
    }

    async fn switching_the_organization_makes_a_session_of_its_own(app: App) {
        let email = app.organization.member(Role::Member).await;
        let other = app.other_organization("second").await;
        other.join(&email, Role::Owner).await;
        let browser = Browser::logged_in(&app, &email).await;
        assert!(browser.get("/").await.shows("first"), "the first by name, as there was no session before");
        let before = browser.copy();
        let to = other.id.to_string();
        browser.submit("/account", "/account/switch", &[("organization", &to)]).await.leads_to("/");
        let home = browser.get("/").await.expect(200);
        assert!(home.shows("second") && home.shows("owner"), "{}", home.html);
        before.get("/").await.leads_to("/login");
        // The next sign-in opens the last organization.
        assert!(Browser::logged_in(&app, &email).await.get("/").await.shows("second"));
    }

    async fn ones_own_name_is_changed_and_taken_away(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        let rename = async |name: &str| owner.submit("/account", "/account/name", &[("name", name)]).await;
        rename(" Ann <Lee> ").await.leads_to("/account");
        let page = owner.get("/account").await.expect(200);
        assert!(page.shows("Your name was changed.") && page.shows(r#"value="Ann &#60;Lee&#62;""#), "{}", page.html);
        assert!(owner.get("/members").await.shows("Ann &#60;Lee&#62;"));
        rename("Ann <Lee>").await.leads_to("/account");
        assert!(owner.get("/account").await.shows("Nothing was changed."));
        let long = "x".repeat(101);
        let refused = rename(&long).await.expect(422);
        assert!(refused.shows("A name has 1 to 100 characters") && refused.shows(&long), "{}", refused.html);
        rename("").await.leads_to("/account");
        assert!(!owner.get("/members").await.shows("Ann &#60;Lee&#62;"));
        let audit = owner.get("/audit?kind=user").await.expect(200);
        assert_eq!(audit.html.matches("Account renamed:").count(), 2, "{}", audit.html);
        assert!(audit.shows("<del>Ann &#60;Lee&#62;</del>") && audit.shows("<ins>Ann &#60;Lee&#62;</ins>"), "{}", audit.html);
    }
}
