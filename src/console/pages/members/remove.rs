//! `/members/{id}/remove`: first the page that says what it means, then its form.

use actix_web::{HttpResponse, web};
use askama::Template;

use crate::auth::console::console_user::{Visitor, may};
use crate::console::components::layout::{Frame, Lit};
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::console::http::responses::page;
use crate::domain::error::{Error, Result};
use crate::store::{Given, Store};

#[derive(Template)]
#[template(path = "members/remove.html")]
struct Page {
    frame: Frame,
    id: String,
    email: String,
    role: String,
    organization: String,
    given: Given,
}

/// The page.
///
/// # Errors
/// [`Error::Absent`].
pub async fn read(
    visitor: Visitor<may::ManageMembers>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let organization = store.organization(&visitor.tenant);
    let found = organization.member_find(path::id("member", &id)?).await?;
    let member = found.ok_or_else(|| Error::absent("member", id.as_str()))?;
    let given = organization.given_by(member.user_id).await?;
    page(&Page {
        frame: Frame::of(&visitor, "Remove a member", Lit::Members),
        id: member.user_id.to_string(),
        email: member.email,
        role: member.role,
        organization: visitor.organization.name.to_string(),
        given,
    })
}

/// Removes the member. Sessions end at once, and so does what the member has given out.
///
/// # Errors
/// [`Error::Absent`]. [`Error::Conflict`]: nobody would be an owner any more.
pub async fn remove(
    form: Form<may::ManageMembers>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let organization = store.organization(&form.visitor.tenant);
    let removed = organization.member_remove(path::id("member", &id)?).await?;
    let (member, given) = removed.ok_or_else(|| Error::absent("member", id.as_str()))?;
    let text = format!("{} is removed.{}", member.email, super::given_words(given));
    flash::redirect(form.visitor.request(), "/members", &text)
}
