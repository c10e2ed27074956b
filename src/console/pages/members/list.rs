//! `GET /members`.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

use crate::auth::console::console_user::{Requires, Visitor, may};
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::timestamp::Moment;
use crate::console::http::forms::Problems;
use crate::console::http::responses::page_with;
use crate::domain::error::Result;
use crate::domain::permission::{Permission, Role};
use crate::store::pagination::PageRequest;
use crate::store::{InvitationRow, MemberRow, Store};

/// Rows on a page.
const ROWS: u64 = 50;
/// What the cursors of this list are for.
const LIST: &str = "members";

#[derive(Template)]
#[template(path = "members/list.html")]
struct Page {
    frame: Frame,
    problems: Problems,
    roles: [Role; 3],
    members: Vec<Member>,
    /// The cursor of the members who joined before these.
    older: Option<String>,
    /// These are not the newest.
    is_older: bool,
    /// The cursor made no sense, and the newest are shown.
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
    joined: Moment,
    /// The visitor.
    own: bool,
}

struct Invitation {
    id: String,
    email: String,
    role: String,
    expires: Moment,
}

/// What a link to the list says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    /// The cursor.
    before: Option<String>,
}

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    request: HttpRequest,
    visitor: Visitor<may::Read>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let query = web::Query::<Query>::from_query(request.query_string());
    let query = query.map(web::Query::into_inner).unwrap_or_default();
    page(&visitor, &store, query, Typed::default()).await
}

/// What was typed into the form for an invitation, and what is wrong with it.
#[derive(Debug, Default)]
pub(super) struct Typed {
    pub(super) problems: Problems,
    pub(super) email: String,
    pub(super) role: String,
}

/// The page, with the form as it was sent.
pub(super) async fn page<P: Requires>(
    visitor: &Visitor<P>,
    store: &Store,
    query: Query,
    typed: Typed,
) -> Result<HttpResponse> {
    let organization = store.organization(&visitor.tenant);
    let cursor = query.before.as_deref().map(|cursor| organization.position(LIST, cursor));
    let lost = matches!(cursor, Some(Err(_)));
    let cursor = cursor.and_then(std::result::Result::ok);
    let members = organization.member_list(&PageRequest { limit: ROWS, cursor }).await?;
    let manages = visitor.may(Permission::ManageMembers);
    // Who does not manage members has no use for the addresses of people who are not there yet.
    let invitations = if manages { organization.invitation_list().await? } else { Vec::new() };
    let own = visitor.user.id;
    let status = if typed.problems.is_empty() { 200 } else { 422 };
    let page = Page {
        frame: Frame::of(visitor, "Members", Lit::Members),
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
