//! `/members/{id}/remove`: confirmation page and its POST.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::console::http::responses::page;
use crate::domain::error::{Error, Result};
use crate::store::{OutstandingLinks, Store};

#[derive(Template)]
#[template(path = "members/remove.html")]
struct Page {
    frame: Frame,
    id: String,
    email: String,
    role: String,
    organization: String,
    given: OutstandingLinks,
}

/// Renders the page.
///
/// # Errors
/// [`Error::Absent`].
pub async fn read(
    console_user: ConsoleUser<may::ManageMembers>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let organization = store.organization(&console_user.tenant);
    let found = organization.member_find(path::id("member", &id)?).await?;
    let member = found.ok_or_else(|| Error::absent("member", id.as_str()))?;
    let given = organization.given_by(member.user_id).await?;
    page(&Page {
        frame: Frame::of(&console_user, "Remove a member", NavigationItem::Members),
        id: member.user_id.to_string(),
        email: member.email,
        role: member.role,
        organization: console_user.organization.name.to_string(),
        given,
    })
}

/// Removes the member, and ends their sessions, invitations and reset links.
///
/// # Errors
/// [`Error::Absent`]. [`Error::Conflict`]: no owner would be left.
pub async fn remove(
    form: Form<may::ManageMembers>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let organization = store.organization(&form.console_user.tenant);
    let removed = organization.member_remove(path::id("member", &id)?).await?;
    let (member, given) = removed.ok_or_else(|| Error::absent("member", id.as_str()))?;
    let text = format!("{} was removed.{}", member.email, super::describe_given(given));
    flash::redirect(form.console_user.request(), "/members", &text)
}
