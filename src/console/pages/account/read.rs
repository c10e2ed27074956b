//! `GET /account`.

use actix_web::HttpResponse;
use askama::Template;

use crate::auth::console::console_user::{Visitor, may};
use crate::auth::console::sign_in::Entrance;
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::timestamp::Moment;
use crate::console::http::forms::Problems;
use crate::console::http::responses::page_with;
use crate::domain::error::Result;
use crate::store::OwnOrganization;

#[derive(Template)]
#[template(path = "account/read.html")]
struct Page {
    frame: Frame,
    problems: Problems,
    email: String,
    name: Option<String>,
    typed_name: String,
    sessions: Vec<Session>,
    organizations: Vec<Organization>,
}

struct Session {
    id: String,
    organization: String,
    started: Moment,
    last_seen: Moment,
    browser: String,
    address: String,
    /// The one that asks.
    here: bool,
}

struct Organization {
    id: String,
    name: String,
    role: String,
    /// The one of this session.
    here: bool,
}

/// The page.
///
/// # Errors
/// The database cannot be read.
pub async fn read(visitor: Visitor<may::Read>, entrance: Entrance) -> Result<HttpResponse> {
    page(&visitor, &entrance, Problems::default()).await
}

/// The page, with what was wrong with its form.
///
/// # Errors
/// The database cannot be read.
pub(super) async fn page(
    visitor: &Visitor<may::Read>,
    entrance: &Entrance,
    problems: Problems,
) -> Result<HttpResponse> {
    let name = visitor.user.name.clone().unwrap_or_default();
    page_with_name(visitor, entrance, &name, problems).await
}

/// As [`page`], with what was typed as the name.
///
/// # Errors
/// The database cannot be read.
pub(super) async fn page_with_name(
    visitor: &Visitor<may::Read>,
    entrance: &Entrance,
    typed_name: &str,
    problems: Problems,
) -> Result<HttpResponse> {
    let status = if problems.is_empty() { 200 } else { 422 };
    let sessions = entrance.sessions(visitor).await?.into_iter().map(|session| Session {
        here: session.id == visitor.session_id,
        id: session.id.to_string(),
        organization: session.organization,
        started: session.created_at.into(),
        last_seen: session.last_seen_at.into(),
        browser: session.user_agent.unwrap_or_default(),
        address: session.address.unwrap_or_default(),
    });
    let own = |organization: OwnOrganization| Organization {
        here: organization.id == visitor.tenant.organization_id(),
        id: organization.id.to_string(),
        name: organization.name,
        role: organization.role,
    };
    let page = Page {
        frame: Frame::of(visitor, "Your account", Lit::Account),
        problems,
        email: visitor.user.email.clone(),
        name: visitor.user.name.clone(),
        typed_name: typed_name.to_owned(),
        sessions: sessions.collect(),
        organizations: entrance.organizations(visitor).await?.into_iter().map(own).collect(),
    };
    page_with(status, &page)
}
