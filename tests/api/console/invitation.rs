//! `/invite/{secret}`: joining an organization with a link.

use std::time::Duration;

use entity::audit_entries;
use sea_orm::EntityTrait as _;

use crate::support::app::App;
use crate::support::browser::{Browser, PASSWORD, Page};
use crate::support::on_both_databases;

/// Sends an invitation, and returns the path of the link.
async fn invite(app: &App, owner: &Browser, email: &str, role: &str) -> String {
    let page = owner.submit("/members", "/members/invite", &[("email", email), ("role", role)]).await;
    let link = page.expect(200).link(&app.url("/invite/"));
    link.strip_prefix(&app.url("")).expect("a link of this server").to_owned()
}

on_both_databases! {
    async fn a_new_user_joins_with_a_new_password(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        let link = invite(&app, &owner, "Ann@Example.com", "admin").await;
        assert!(!owner.get("/members").await.shows(&link), "the link is shown once");

        let guest = Browser::new(&app);
        for _ in 0..3 {
            let page = guest.get(&link).await.expect(200);
            assert!(page.shows("acme") && page.shows("ann@example.com"), "{}", page.html);
            assert!(page.shows("Choose a password"), "{}", page.html);
        }
        let refused = guest.submit(&link, &link, &[("name", "Ann"), ("password", "short")]).await.expect(422);
        assert!(refused.shows("At least 10 characters") && refused.shows(r#"value="Ann""#), "{}", refused.html);
        guest.submit(&link, &link, &[("name", "Ann"), ("password", PASSWORD)]).await.leads_to("/");
        let home = guest.get("/").await.expect(200);
        assert!(home.shows("acme") && home.shows("admin"), "{}", home.html);
        assert!(owner.get("/members").await.shows("Ann"));
        Browser::logged_in(&app, "ann@example.com").await;

        // It cannot be used twice.
        let other = Browser::new(&app);
        other.get(&link).await.expect(404);
        let token = other.get("/login").await.token();
        let fields = [("name", "Eve"), ("password", PASSWORD)];
        assert!(other.submit_with(&token, &link, &fields).await.expect(404).shows("This link does not work"));
    }

    async fn an_existing_user_joins_with_the_account_password(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        Browser::owner(&app, "ann").await;
        let link = invite(&app, &owner, "ann@example.com", "member").await;
        let guest = Browser::new(&app);
        assert!(guest.get(&link).await.expect(200).shows("Do you already have an account"));
        let wrong = [("existing_password", "wrong horse battery")];
        let wrong = guest.submit(&link, &link, &wrong).await.expect(422);
        assert!(wrong.shows("The address or the password is wrong."), "{}", wrong.html);
        guest.submit(&link, &link, &[("existing_password", PASSWORD)]).await.leads_to("/");
        let home = guest.get("/").await.expect(200);
        assert!(home.shows("acme") && home.shows("member"), "{}", home.html);
        // The user keeps the previous organization, and a session is for one organization.
        let account = guest.get("/account").await.expect(200);
        assert!(account.shows(r#"aria-label="Switch to ann""#), "{}", account.html);
    }

    async fn the_page_of_an_invitation_does_not_say_whether_the_address_has_an_account(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        Browser::owner(&app, "known").await;
        let mut pages = Vec::new();
        for email in ["known@example.com", "new@example.com"] {
            let link = invite(&app, &owner, email, "member").await;
            let guest = Browser::new(&app);
            let page = guest.get(&link).await.expect(200);
            let wrong = guest.submit(&link, &link, &[("existing_password", "wrong horse battery")]).await.expect(422);
            let clean = |page: &Page| page.without_token().replace(&link, "-").replace(email, "-");
            pages.push((clean(&page), clean(&wrong)));
        }
        assert_eq!(pages[0], pages[1]);
    }

    async fn an_inviter_who_opens_a_foreign_invitation_takes_nothing_from_the_owner_of_the_address(app: App) {
        let mallory = Browser::owner(&app, "mallory").await;
        let link = invite(&app, &mallory, "ann@example.com", "member").await;
        let guest = Browser::new(&app);
        guest.submit(&link, &link, &[("name", "Ann"), ("password", "mallory knows this one")]).await.leads_to("/");
        // The owner of the address signs up, and is invited elsewhere, without side effects.
        let ann = Browser::new(&app);
        let fields = [("organization", "Ann & Co."), ("email", "ann@example.com"), ("password", PASSWORD)];
        ann.submit("/signup", "/signup", &fields).await.leads_to("/start");
        assert!(!ann.get("/account").await.expect(200).shows("mallory"));
        let acme = Browser::owner(&app, "acme").await;
        let link = invite(&app, &acme, "ann@example.com", "admin").await;
        Browser::new(&app).submit(&link, &link, &[("existing_password", PASSWORD)]).await.leads_to("/");
        let account = Browser::logged_in(&app, "ann@example.com").await.get("/account").await.expect(200);
        assert!(account.shows(">acme<") && account.shows("Ann &#38; Co.") && !account.shows("mallory"), "{}", account.html);
        // The user that the inviter created stays in the inviter's organization, and a link created there opens no
        // other one.
        guest.get("/account").await.expect(200);
        assert!(!guest.get("/account").await.shows("acme"));
        let members = acme.get("/members").await.html;
        assert_eq!(members.matches("<th scope=\"row\">ann@example.com").count(), 1, "{members}");
    }

    async fn no_one_joins_with_a_members_address(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        let link = invite(&app, &owner, "ann@example.com", "member").await;
        Browser::new(&app).submit(&link, &link, &[("password", PASSWORD)]).await.leads_to("/");
        let fields = [("email", "ann@example.com"), ("role", "owner")];
        let page = owner.submit("/members", "/members/invite", &fields).await.expect(422);
        assert!(page.shows("already belongs to the organization"), "{}", page.html);
    }

    async fn a_link_ends_with_its_week_its_withdrawal_and_its_successor(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        let first = invite(&app, &owner, "ann@example.com", "member").await;
        let second = invite(&app, &owner, "ann@example.com", "admin").await;
        let guest = Browser::new(&app);
        guest.get(&first).await.expect(404);
        guest.get(&second).await.expect(200);
        let token = guest.get(&second).await.token();

        let members = owner.get("/members").await.expect(200);
        let withdraw = members.link("/members/invitations/");
        owner.submit("/members", &withdraw, &[]).await.leads_to("/members");
        assert!(owner.get("/members").await.shows("was withdrawn."));
        guest.submit_with(&token, &second, &[("password", PASSWORD)]).await.expect(404);
        owner.submit("/members", &withdraw, &[]).await.expect(404);

        let third = invite(&app, &owner, "ann@example.com", "member").await;
        app.clock.advance(Duration::from_secs(7 * 86_400 - 1));
        guest.get(&third).await.expect(200);
        app.clock.advance(Duration::from_secs(1));
        guest.get(&third).await.expect(404);
        guest.submit_with(&token, &third, &[("password", PASSWORD)]).await.expect(404);
    }

    async fn of_two_concurrent_acceptances_one_succeeds(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        let link = invite(&app, &owner, "ann@example.com", "member").await;
        let browsers = [Browser::new(&app), Browser::new(&app)];
        let tokens = [browsers[0].get(&link).await.token(), browsers[1].get(&link).await.token()];
        let fields = [("password", PASSWORD)];
        let (one, two) = tokio::join!(
            browsers[0].submit_with(&tokens[0], &link, &fields),
            browsers[1].submit_with(&tokens[1], &link, &fields)
        );
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert!([[303, 404], [303, 409], [303, 422]].contains(&statuses), "{statuses:?} {} {}", one.html, two.html);
    }

    async fn secrets_of_links_are_stored_nowhere(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        let link = invite(&app, &owner, "ann@example.com", "member").await;
        let secret = link.rsplit('/').next().expect("a secret");
        assert!(secret.len() > 40, "{secret}");
        use sea_orm::EntityTrait as _;
        let database = app.database().await;
        let rows = entity::invitations::Entity::find().all(&database).await.expect("the rows");
        let audit = entity::audit_entries::Entity::find().all(&database).await.expect("the rows");
        assert_eq!(rows.len(), 1);
        let stored = format!("{rows:?} {audit:?}");
        assert!(!stored.contains(secret) && stored.contains("invitation.create"), "{stored}");
    }

    async fn signing_up_and_joining_are_audited_with_the_request(app: App) {
        let owner = Browser::new(&app);
        let fields = [("organization", "acme"), ("email", "acme@example.com"), ("password", PASSWORD)];
        let signed_up = owner.submit("/signup", "/signup", &fields).await.leads_to("/start");
        let link = invite(&app, &owner, "ann@example.com", "member").await;
        let guest = Browser::new(&app);
        let joined = guest.submit(&link, &link, &[("password", PASSWORD)]).await.leads_to("/");
        let entries = audit_entries::Entity::find().all(&app.database().await).await.expect("read");
        for (action, actor, page) in
            [("organization.create", "acme@example.com", signed_up), ("member.join", "ann@example.com", joined)]
        {
            let mut own = entries.iter().filter(|entry| entry.action == action && entry.actor_label == actor);
            let id = own.next().expect(action).request_id.expect("a request");
            assert_eq!(id.to_string(), page.answer.header("x-request-id"), "{action}");
        }
    }
}
