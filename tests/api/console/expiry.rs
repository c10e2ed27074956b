//! Rows that expired more than a month ago are deleted in the background: links, sessions, invitations.

use chrono::{DateTime, TimeDelta, Utc};
use entity::{invitations, one_time_links, sessions};
use failsoft::domain::permission::Role;
use sea_orm::{DatabaseConnection, EntityTrait as _, IntoActiveModel as _, PaginatorTrait as _};
use uuid::Uuid;

use crate::support::app::{App, beginning, eventually};
use crate::support::browser::Browser;
use crate::support::on_both_databases;

/// More than one statement deletes.
const MANY: u64 = 450;

fn days_ago(days: i64) -> DateTime<Utc> {
    beginning() - TimeDelta::days(days)
}

/// Rows that expired this long ago, and one that has not expired.
async fn fill(app: &App, database: &DatabaseConnection, user: Uuid) {
    let organization_id = app.organization.id.into();
    let session = |expires_at| sessions::Model {
        id: Uuid::now_v7().into(),
        user_id: user.into(),
        organization_id,
        created_at: days_ago(50),
        last_seen_at: days_ago(50),
        expires_at,
        revoked_at: None,
        user_agent: None,
        address: None,
    };
    let old = (0..MANY).map(|_| session(days_ago(31)).into_active_model());
    sessions::Entity::insert_many(old).exec_without_returning(database).await.expect("sessions");
    let kept = sessions::Model { revoked_at: Some(days_ago(29)), ..session(days_ago(28)) };
    let ended = sessions::Model { revoked_at: Some(days_ago(31)), ..session(days_ago(29)) };
    let rows = [kept, ended].map(|row| row.into_active_model());
    sessions::Entity::insert_many(rows).exec_without_returning(database).await.expect("sessions");
    let link = |number: u8, expires_at, used_at| one_time_links::Model {
        id: Uuid::now_v7().into(),
        user_id: user.into(),
        kind: "reset".to_owned(),
        token_hash: vec![number; 32],
        created_at: days_ago(50),
        expires_at,
        used_at,
        organization_id: None,
        issued_by: None,
    };
    let rows = [
        link(1, days_ago(31), None),
        link(2, days_ago(-1), Some(days_ago(31))),
        link(3, days_ago(-1), Some(days_ago(1))),
        link(4, days_ago(29), None),
    ];
    let rows = rows.map(|row| row.into_active_model());
    one_time_links::Entity::insert_many(rows).exec_without_returning(database).await.expect("links");
    let invitation = |number: u8, expires_at, accepted_at, revoked_at| invitations::Model {
        id: Uuid::now_v7().into(),
        organization_id,
        email: format!("guest-{number}@example.com"),
        role: "member".to_owned(),
        token_hash: vec![number; 32],
        invited_by: None,
        created_at: days_ago(50),
        expires_at,
        accepted_at,
        revoked_at,
    };
    let rows = [
        invitation(1, days_ago(31), None, None),
        invitation(2, days_ago(-1), Some(days_ago(31)), None),
        invitation(3, days_ago(-1), None, Some(days_ago(31))),
        invitation(4, days_ago(-1), None, None),
    ];
    let rows = rows.map(|row| row.into_active_model());
    invitations::Entity::insert_many(rows).exec_without_returning(database).await.expect("invitations");
}

on_both_databases! {
    async fn only_rows_expired_for_a_month_are_deleted(app: App) {
        let email = app.organization.member(Role::Owner).await;
        let browser = Browser::logged_in(&app, &email).await;
        let database = app.database().await;
        let count = async || {
            let sessions = sessions::Entity::find().count(&database).await.expect("a number");
            let links = one_time_links::Entity::find().count(&database).await.expect("a number");
            (sessions, links, invitations::Entity::find().count(&database).await.expect("a number"))
        };
        let before = count().await;
        fill(&app, &database, app.organization.user_id(&email).await).await;
        let filled = (before.0 + MANY + 2, before.1 + 4, before.2 + 4);
        assert_eq!(count().await, filled);
        // A process checks when it starts.
        let mut other = app.beside(|_| {}).await;
        eventually(async || (count().await.0 <= before.0 + 1).then_some(())).await;
        eventually(async || (count().await == (before.0 + 1, before.1 + 2, before.2 + 1)).then_some(())).await;
        other.stop().await;
        assert_eq!(count().await, (before.0 + 1, before.1 + 2, before.2 + 1));
        assert!(browser.get("/members").await.expect(200).shows("guest-4@example.com"));
    }
}
