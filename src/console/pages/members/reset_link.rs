//! `POST /members/{id}/reset-link`: creates a password reset link for a member.

use actix_web::{HttpResponse, web};

use super::link::{LinkView, show};
use crate::auth::console::console_user::may;
use crate::auth::console::link_secret;
use crate::auth::console::sign_in::SignIn;
use crate::config::Settings;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::store::{LinkOutcome, Store};

/// Creates the link and shows it.
///
/// # Errors
/// [`Error::Absent`]. [`Error::Conflict`]: the person also belongs to another organization.
pub async fn make(
    form: Form<may::ManageMembers>,
    id: web::Path<String>,
    sign_in: SignIn,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let organization = store.organization(&form.console_user.tenant);
    let absent = || Error::absent("member", id.as_str());
    let user_id = path::id("member", &id)?;
    let member = organization.member_find(user_id).await?.ok_or_else(absent)?;
    let (secret, token_hash) = sign_in.new_secret()?;
    let expires_at = clock.now() + link_secret::RESET;
    match organization.reset_link_create(user_id, token_hash, expires_at).await? {
        LinkOutcome::Made => {}
        LinkOutcome::Absent => return Err(absent()),
        LinkOutcome::ElsewhereToo => {
            let message = "this person also belongs to another organization, which a link from here would open as well. Ask the operator to create one with 'failsoft user reset-link'";
            return Err(Error::Conflict { message: message.to_owned() });
        }
    }
    let shown = LinkView {
        title: "Password reset link",
        email: &member.email,
        allows: "can set a new password for this account, which ends all its sessions, as long as you may create such links",
        page: "reset",
        secret: &secret,
        expires: expires_at.into(),
    };
    show(&form.console_user, &settings, shown)
}
