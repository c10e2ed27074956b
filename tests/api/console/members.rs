//! `/members`: roles, removals, and their audit entries.

use failsoft::domain::permission::Role;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use crate::support::app::App;
use crate::support::browser::{Browser, Page};
use crate::support::on_both_databases;

async fn actions(app: &App) -> Vec<String> {
    let rows = entity::audit_entries::Entity::find().all(&app.database().await).await.expect("the rows");
    rows.into_iter().map(|row| format!("{} {} {}", row.actor_label, row.action, row.resource_name)).collect()
}

on_both_databases! {
    async fn a_role_holds_from_the_next_request_on(app: App) {
        let owner = app.organization.member(Role::Owner).await;
        let boss = Browser::logged_in(&app, &owner).await;
        let email = app.organization.member(Role::Owner).await;
        let id = app.organization.user_id(&email).await;
        let person = Browser::logged_in(&app, &email).await;
        assert!(person.get("/members").await.expect(200).shows("Invite"));
        let token = person.get("/members").await.token();
        let change = format!("/members/{id}/role");
        boss.submit("/members", &change, &[("role", "member")]).await.leads_to("/members");
        assert!(boss.get("/members").await.shows(&format!("{email} is now member.")));

        let page = person.get("/members").await.expect(200);
        assert!(!page.shows("/members/invite") && !page.shows("/remove") && !page.shows("<select"), "{}", page.html);
        let by_hand = person.submit_with(&token, "/members/invite", &[("email", "a@b.c"), ("role", "owner")]).await;
        assert!(by_hand.expect(403).shows("Your role does not allow managing members"));
        person.submit_with(&token, &change, &[("role", "owner")]).await.expect(403);
        boss.submit("/members", &change, &[("role", "king")]).await.expect(422);
        let entry = format!("{owner} member.role {email}");
        assert!(actions(&app).await.contains(&entry), "{:?}", actions(&app).await);
    }

    async fn a_removed_member_is_out_at_once(app: App) {
        let owner = app.organization.member(Role::Owner).await;
        let boss = Browser::logged_in(&app, &owner).await;
        let email = app.organization.member(Role::Admin).await;
        let id = app.organization.user_id(&email).await;
        let person = Browser::logged_in(&app, &email).await;
        let remove = format!("/members/{id}/remove");
        assert!(boss.get(&remove).await.expect(200).shows(&email));
        assert_eq!(person.get("/").await.status, 200, "asking removes nobody");
        boss.submit(&remove, &remove, &[]).await.leads_to("/members");
        person.get("/").await.leads_to("/login");
        let fields = [("email", email.as_str()), ("password", crate::support::browser::PASSWORD)];
        let refused = person.submit("/login", "/login", &fields).await.expect(422);
        assert!(refused.shows("You do not belong to an organization anymore"), "{}", refused.html);
        boss.submit("/members", &remove, &[]).await.expect(404);
        assert!(actions(&app).await.contains(&format!("{owner} member.remove {email}")));
    }

    async fn an_owners_grants_end_with_the_owners_rights(app: App) {
        let boss = Browser::logged_in(&app, &app.organization.member(Role::Owner).await).await;
        let founder = app.organization.member(Role::Owner).await;
        let founder_id = app.organization.user_id(&founder).await;
        for removal in [true, false] {
            let email = app.organization.member(Role::Owner).await;
            let id = app.organization.user_id(&email).await;
            let person = Browser::logged_in(&app, &email).await;
            let address = format!("friend-{removal}@example.com");
            let fields = [("email", address.as_str()), ("role", "owner")];
            let link = |page: &Page, start: &str| page.link(&app.url(start)).replace(&app.url(""), "");
            let invitation = link(&person.submit("/members", "/members/invite", &fields).await, "/invite/");
            let reset = format!("/members/{founder_id}/reset-link");
            let reset = link(&person.submit("/members", &reset, &[]).await, "/reset/");
            let guest = Browser::new(&app);
            let tokens = (guest.get(&invitation).await.expect(200).token(), guest.get(&reset).await.expect(200).token());

            if removal {
                let remove = format!("/members/{id}/remove");
                let asked = boss.get(&remove).await.expect(200);
                assert!(asked.shows("Open invitations that they created: 1."), "{}", asked.html);
                boss.submit(&remove, &remove, &[]).await.leads_to("/members");
            } else {
                let role = format!("/members/{id}/role");
                boss.submit("/members", &role, &[("role", "admin")]).await.leads_to("/members");
            }
            let said = boss.get("/members").await.expect(200);
            assert!(said.shows("Canceled: 1 invitation and 1 password reset link."), "{}", said.html);
            guest.get(&invitation).await.expect(404);
            guest.get(&reset).await.expect(404);
            let fields = [("password", "a horse of another color")];
            guest.submit_with(&tokens.0, &invitation, &fields).await.expect(404);
            guest.submit_with(&tokens.1, &reset, &fields).await.expect(404);
            let entries = actions(&app).await;
            assert!(entries.iter().any(|entry| entry.ends_with(&format!("invitation.revoke {address}"))), "{entries:?}");
            assert!(entries.iter().any(|entry| entry.ends_with(&format!("user.reset_link_void {founder}"))), "{entries:?}");
        }
        Browser::logged_in(&app, &founder).await;
    }

    async fn a_grant_is_checked_again_when_it_is_used(app: App) {
        let email = app.organization.member(Role::Owner).await;
        let id = app.organization.user_id(&email).await;
        let person = Browser::logged_in(&app, &email).await;
        let member = app.organization.member(Role::Member).await;
        let member_id = app.organization.user_id(&member).await;
        let link = |page: &Page, start: &str| page.link(&app.url(start)).replace(&app.url(""), "");
        let fields = [("email", "friend@example.com"), ("role", "owner")];
        let invitation = link(&person.submit("/members", "/members/invite", &fields).await, "/invite/");
        let reset = person.submit("/members", &format!("/members/{member_id}/reset-link"), &[]).await;
        let reset = link(&reset, "/reset/");
        let guest = Browser::new(&app);
        let tokens = (guest.get(&invitation).await.expect(200).token(), guest.get(&reset).await.expect(200).token());
        // As an older version removes the role: grants stay in the tables.
        let row = entity::memberships::Entity::update_many()
            .col_expr(entity::memberships::Column::Role, sea_orm::sea_query::Expr::value("member"))
            .filter(entity::memberships::Column::UserId.eq(id));
        row.exec(&app.database().await).await.expect("changed");
        let fields = [("password", "a horse of another color")];
        guest.get(&invitation).await.expect(404);
        guest.submit_with(&tokens.0, &invitation, &fields).await.expect(404);
        guest.get(&reset).await.expect(404);
        guest.submit_with(&tokens.1, &reset, &fields).await.expect(404);
        Browser::logged_in(&app, &member).await;
    }

    async fn keys_stay_the_organizations_and_the_page_says_so(app: App) {
        let boss = Browser::logged_in(&app, &app.organization.member(Role::Owner).await).await;
        let email = app.organization.member(Role::Admin).await;
        let id = app.organization.user_id(&email).await;
        let key = app.organization.key_like(&[], |key| key.created_by = Some(id.into())).await;
        let remove = format!("/members/{id}/remove");
        let asked = boss.get(&remove).await.expect(200);
        assert!(asked.shows("that they created and that keep working: 1."), "{}", asked.html);
        boss.submit(&remove, &remove, &[]).await.leads_to("/members");
        assert!(boss.get("/members").await.shows("1 API key that they created still work"));
        let whoami = app.request(reqwest::Method::GET, "/v1/identity/whoami");
        assert_eq!(app.call(whoami, &key).await.status, 200);
    }

    async fn an_organization_keeps_an_owner(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        let id = app.organization.user_id("acme@example.com").await;
        let role = format!("/members/{id}/role");
        let refused = owner.submit("/members", &role, &[("role", "admin")]).await.expect(409);
        assert!(refused.shows("This is the only owner"), "{}", refused.html);
        owner.submit("/members", &format!("/members/{id}/remove"), &[]).await.expect(409);
        assert_eq!(owner.get("/members").await.status, 200);
    }

    async fn two_owners_cannot_both_leave_at_once(app: App) {
        let one = app.organization.member(Role::Owner).await;
        let two = app.organization.member(Role::Owner).await;
        // The first organization's own owner leaves first.
        let boss = Browser::logged_in(&app, &one).await;
        let first = app.organization.user_id("first@example.com").await;
        boss.submit("/members", &format!("/members/{first}/remove"), &[]).await.leads_to("/members");
        let other = Browser::logged_in(&app, &two).await;
        let (one, two) = (app.organization.user_id(&one).await, app.organization.user_id(&two).await);
        let tokens = (boss.get("/").await.token(), other.get("/").await.token());
        let paths = (format!("/members/{one}/remove"), format!("/members/{two}/remove"));
        let (left, right) =
            tokio::join!(boss.submit_with(&tokens.0, &paths.0, &[]), other.submit_with(&tokens.1, &paths.1, &[]));
        let mut statuses = [left.status, right.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 409]);
    }

    async fn an_invalid_invitation_says_why(app: App) {
        let owner = Browser::owner(&app, "acme").await;
        let invite = async |email: &str, role: &str| {
            let fields = [("email", email), ("role", role)];
            owner.submit("/members", "/members/invite", &fields).await.expect(422)
        };
        let page = invite("ann<b>", "admin").await;
        assert!(page.shows("write it as name@example.com") && page.shows("ann&#60;b&#62;"), "{}", page.html);
        assert!(page.shows(r#"<option value="admin" selected>"#), "{}", page.html);
        assert!(invite("ACME@example.com", "member").await.shows("already belongs to the organization"));
        assert!(invite("ann@example.com", "king").await.shows("Choose one of the roles"));
        assert!(owner.get("/members").await.shows("No open invitations."));
    }

    async fn a_long_list_comes_in_pages_and_a_bad_cursor_is_no_error(app: App) {
        let owner = Browser::logged_in(&app, &app.organization.member(Role::Owner).await).await;
        for _ in 0..50 {
            app.organization.member(Role::Member).await;
            app.clock.advance(std::time::Duration::from_secs(1));
        }
        let newest = owner.get("/members").await.expect(200);
        assert_eq!(newest.html.matches(r#"scope="row""#).count(), 50);
        assert!(!newest.shows("first@example.com"), "the oldest");
        let older = owner.get(&newest.link("/members?before=")).await.expect(200);
        assert_eq!(older.html.matches(r#"scope="row""#).count(), 2, "{}", older.html);
        assert!(older.shows("first@example.com") && older.shows(">Newest<"), "{}", older.html);
        let lost = owner.get("/members?before=nonsense").await.expect(200);
        assert!(lost.shows("These are the newest members"), "{}", lost.html);
    }
}
