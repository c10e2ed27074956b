//! `/account`: the person's own name, password, sessions and organizations.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::auth::console::console_user::{ConsoleUser, may};
use crate::auth::console::password;
use crate::auth::console::sign_in::SignIn;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::timestamp::Timestamp;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::path;
use crate::console::http::responses::{enter, page_with};
use crate::domain::error::{Error, Result};
use crate::store::OwnOrganization;
use crate::validation::account::parse_name;

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
    started: Timestamp,
    last_seen: Timestamp,
    browser: String,
    address: String,
    /// Whether this is the current session.
    here: bool,
}

struct Organization {
    id: String,
    name: String,
    role: String,
    /// Whether this is the session's organization.
    here: bool,
}

/// Renders the page.
///
/// # Errors
/// The database cannot be read.
pub async fn read(console_user: ConsoleUser<may::Read>, sign_in: SignIn) -> Result<HttpResponse> {
    page(&console_user, &sign_in, Problems::default()).await
}

/// Renders the page with the problems of a form.
///
/// # Errors
/// The database cannot be read.
async fn page(
    console_user: &ConsoleUser<may::Read>,
    sign_in: &SignIn,
    problems: Problems,
) -> Result<HttpResponse> {
    let name = console_user.user.name.clone().unwrap_or_default();
    page_with_name(console_user, sign_in, &name, problems).await
}

/// Like [`page`], with the submitted name.
///
/// # Errors
/// The database cannot be read.
async fn page_with_name(
    console_user: &ConsoleUser<may::Read>,
    sign_in: &SignIn,
    typed_name: &str,
    problems: Problems,
) -> Result<HttpResponse> {
    let status = if problems.is_empty() { 200 } else { 422 };
    let sessions = sign_in.sessions(console_user).await?.into_iter().map(|session| Session {
        here: session.id == console_user.session_id,
        id: session.id.to_string(),
        organization: session.organization,
        started: session.created_at.into(),
        last_seen: session.last_seen_at.into(),
        browser: session.user_agent.unwrap_or_default(),
        address: session.address.unwrap_or_default(),
    });
    let own = |organization: OwnOrganization| Organization {
        here: organization.id == console_user.tenant.organization_id(),
        id: organization.id.to_string(),
        name: organization.name,
        role: organization.role,
    };
    let page = Page {
        frame: Frame::of(console_user, "Your account", NavigationItem::Account),
        problems,
        email: console_user.user.email.clone(),
        name: console_user.user.name.clone(),
        typed_name: typed_name.to_owned(),
        sessions: sessions.collect(),
        organizations: sign_in.organizations(console_user).await?.into_iter().map(own).collect(),
    };
    page_with(status, &page)
}

/// Changes the person's display name; an empty name removes it.
///
/// # Errors
/// The database cannot be written.
pub async fn rename(form: Form<may::Read>, sign_in: SignIn) -> Result<HttpResponse> {
    let Form { console_user, fields } = &form;
    let typed = fields.text("name");
    let name = match Some(typed.trim()).filter(|typed| !typed.is_empty()).map(parse_name).transpose() {
        Ok(name) => name,
        Err(objection) => {
            return page_with_name(console_user, &sign_in, typed, Problems::of("name", objection)).await;
        }
    };
    let changed = sign_in.rename(console_user, name).await?;
    let success_message = if changed { "Your name was changed." } else { "Nothing was changed." };
    flash::redirect(console_user.request(), "/account", success_message)
}

/// Changes the password, which ends every other session.
///
/// # Errors
/// Too many attempts.
pub async fn change_password(form: Form<may::Read>, sign_in: SignIn) -> Result<HttpResponse> {
    let Form { console_user, fields } = &form;
    let new = fields.secret("new_password");
    let own = [
        &*console_user.user.email,
        console_user.user.name.as_deref().unwrap_or_default(),
        &console_user.organization.name,
    ];
    if let Some(objection) = password::objection(&new, &own) {
        return page(console_user, &sign_in, Problems::of("new_password", objection)).await;
    }
    let problems = match sign_in.change_password(console_user, fields.secret("current_password"), new).await {
        Ok(true) => {
            let done = "Your password was changed, and your other sessions were ended.";
            return flash::redirect(console_user.request(), "/account", done);
        }
        Ok(false) => Problems::of("current_password", "This is not your current password."),
        Err(Error::Conflict { message }) => Problems::of("new_password", message),
        Err(error) => return Err(error),
    };
    page(console_user, &sign_in, problems).await
}

/// Ends one of the person's sessions.
///
/// # Errors
/// [`Error::Absent`]: the session has ended or belongs to someone else.
pub async fn end_session(
    form: Form<may::Read>,
    id: web::Path<String>,
    sign_in: SignIn,
) -> Result<HttpResponse> {
    let session_id = path::id("session", &id)?;
    if !sign_in.end_session(&form.console_user, session_id).await? {
        return Err(Error::absent("session", id.as_str()));
    }
    // If it is the current session, this redirects to the login page.
    flash::redirect(form.console_user.request(), "/account", "The session was ended.")
}

/// Ends all of the person's sessions except the current one.
///
/// # Errors
/// The database cannot be written.
pub async fn end_other_sessions(form: Form<may::Read>, sign_in: SignIn) -> Result<HttpResponse> {
    let text = match sign_in.end_other_sessions(&form.console_user).await? {
        0 => "There were no other sessions.".to_owned(),
        1 => "One other session was ended.".to_owned(),
        count => format!("{count} other sessions were ended."),
    };
    flash::redirect(form.console_user.request(), "/account", &text)
}

/// Switches to another organization of the person, with a new session.
///
/// # Errors
/// [`Error::Absent`]: the person is not a member of it.
pub async fn switch_organization(form: Form<may::Read>, sign_in: SignIn) -> Result<HttpResponse> {
    let wanted = form.fields.text("organization");
    let to = path::id("organization", wanted)?;
    match sign_in.switch(&form.console_user, to).await? {
        Some(signed_in) => Ok(enter("/", &signed_in)),
        None => Err(Error::absent("organization", wanted)),
    }
}
