//! `GET /members`.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::timestamp::Timestamp;
use crate::console::http::forms::Problems;
use crate::console::http::responses::page_with;
use crate::domain::error::Result;
use crate::domain::permission::{Permission, Role};
use crate::store::pagination::PageRequest;
use crate::store::{InvitationRow, MemberRow, Store};

/// Number of rows per page.
const ROWS: u64 = 50;
/// Purpose of the cursors of this list.
const LIST: &str = "members";

#[derive(Template)]
#[template(path = "members/list.html")]
struct Page {
    frame: Frame,
    problems: Problems,
    roles: [Role; 3],
    members: Vec<Member>,
    /// Cursor of the next page.
    older: Option<String>,
    /// Whether this is not the first page.
    is_older: bool,
    /// Whether the cursor was invalid and the first page is shown instead.
    lost: bool,
    invitations: Vec<Invitation>,
    manages: bool,
    email: String,
    role: String,
}

struct Member {
    id: String,
    email: String,
    name: Option<String>,
    role: String,
    joined: Timestamp,
    /// Whether the member is the signed-in person.
    own: bool,
}

struct Invitation {
    id: String,
    email: String,
    role: String,
    expires: Timestamp,
}

/// Query parameters of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    /// The cursor of the page.
    before: Option<String>,
}

/// Renders the page.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    console_user: ConsoleUser<may::Read>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let query = web::Query::<Query>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    page(&console_user, &store, query, FormValues::default()).await
}

/// The values and problems of the invitation form.
#[derive(Debug, Default)]
pub(super) struct FormValues {
    pub(super) problems: Problems,
    pub(super) email: String,
    pub(super) role: String,
}

/// Renders the page with the submitted form.
pub(super) async fn page<P: Requires>(
    console_user: &ConsoleUser<P>,
    store: &Store,
    query: Query,
    typed: FormValues,
) -> Result<HttpResponse> {
    let organization = store.organization(&console_user.tenant);
    let cursor = query.before.as_deref().map(|cursor| organization.position(LIST, cursor));
    let lost = matches!(cursor, Some(Err(_)));
    let cursor = cursor.and_then(std::result::Result::ok);
    let members = organization.member_list(&PageRequest { limit: ROWS, cursor }).await?;
    let manages = console_user.may(Permission::ManageMembers);
    // Only people who manage members see the addresses of invitations.
    let invitations = if manages { organization.invitation_list().await? } else { Vec::new() };
    let own = console_user.user.id;
    let status = if typed.problems.is_empty() { 200 } else { 422 };
    let page = Page {
        frame: Frame::of(console_user, "Members", NavigationItem::Members),
        problems: typed.problems,
        roles: Role::ALL,
        older: members.next.map(|position| organization.cursor(LIST, position)),
        is_older: cursor.is_some(),
        lost,
        members: members.items.into_iter().map(|member| Member::of(member, own)).collect(),
        invitations: invitations.into_iter().map(Invitation::from).collect(),
        manages,
        email: typed.email,
        role: if typed.role.is_empty() { Role::Member.to_string() } else { typed.role },
    };
    page_with(status, &page)
}

impl Member {
    fn of(row: MemberRow, own: entity::ids::UserId) -> Self {
        Self {
            own: row.user_id == own,
            id: row.user_id.to_string(),
            email: row.email,
            name: row.name,
            role: row.role,
            joined: row.created_at.into(),
        }
    }
}

impl From<InvitationRow> for Invitation {
    fn from(row: InvitationRow) -> Self {
        Self { id: row.id.to_string(), email: row.email, role: row.role, expires: row.expires_at.into() }
    }
}
