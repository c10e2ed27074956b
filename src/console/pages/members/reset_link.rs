//! `POST /members/{id}/reset-link`: a link by which a member sets a new password.

use actix_web::{HttpResponse, web};

use super::link::{Shown, show};
use crate::auth::console::console_user::may;
use crate::auth::console::link_secret;
use crate::auth::console::sign_in::Entrance;
use crate::config::Settings;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::store::{LinkOutcome, Store};

/// Makes the link and shows it.
///
/// # Errors
/// [`Error::Absent`]. [`Error::Conflict`]: the person belongs to another organization too.
pub async fn make(
    form: Form<may::ManageMembers>,
    id: web::Path<String>,
    entrance: Entrance,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let organization = store.organization(&form.visitor.tenant);
    let absent = || Error::absent("member", id.as_str());
    let user_id = path::id("member", &id)?;
    let member = organization.member_find(user_id).await?.ok_or_else(absent)?;
    let (secret, token_hash) = entrance.new_secret()?;
    let expires_at = clock.now() + link_secret::RESET;
    match organization.reset_link_create(user_id, token_hash, expires_at).await? {
        LinkOutcome::Made => {}
        LinkOutcome::Absent => return Err(absent()),
        LinkOutcome::ElsewhereToo => {
            let message = "this person belongs to another organisation too, which a link from here would open as \
                           well: its operator makes one with 'failsoft user reset-link'";
            return Err(Error::Conflict { message: message.to_owned() });
        }
    }
    let shown = Shown {
        title: "Link for a new password",
        email: &member.email,
        allows: "sets a new password for this account, and every session of it ends, while you may make such links",
        page: "reset",
        secret: &secret,
        expires: expires_at.into(),
    };
    show(&form.visitor, &settings, shown)
}
