//! `POST /members/invite` and `POST /members/invitations/{id}/revoke`.

use actix_web::{HttpResponse, web};

use super::link::{LinkView, show};
use super::list::{FormValues, Query, page};
use crate::auth::console::console_user::may;
use crate::auth::console::link_secret;
use crate::auth::console::sign_in::SignIn;
use crate::config::Settings;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::path;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::domain::permission::Role;
use crate::store::{NewInvitation, Store};
use crate::validation::account::parse_email;

/// Creates an invitation and shows its link.
///
/// # Errors
/// The database cannot be written.
pub async fn invite(
    form: Form<may::ManageMembers>,
    sign_in: SignIn,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let Form { console_user, fields } = &form;
    let organization = store.organization(&console_user.tenant);
    let mut problems = Problems::default();
    let email = problems.check("email", parse_email(fields.text("email")));
    let role = Role::parse(fields.text("role")).ok_or_else(|| "choose one of the roles".to_owned());
    let role = problems.check("role", role);
    if let Some(email) = &email
        && organization.member_has_email(email).await?
    {
        problems.add("email", "someone with this address already belongs to the organization");
    }
    let (Some(email), Some(role), true) = (email, role, problems.is_empty()) else {
        let (email, role) = (fields.text("email").to_owned(), fields.text("role").to_owned());
        return page(console_user, &store, Query::default(), FormValues { problems, email, role }).await;
    };
    let (secret, token_hash) = sign_in.new_secret()?;
    let expires_at = clock.now() + link_secret::INVITATION;
    let (role, invited_by) = (role.to_string(), Some(console_user.user.id));
    let new = NewInvitation { email, role, token_hash, expires_at, invited_by };
    let invitation = organization.invitation_create(new).await?;
    let shown = LinkView {
        title: "Invitation",
        email: &invitation.email,
        allows: "can join the organization under this address, as long as you may invite people",
        page: "invite",
        secret: &secret,
        expires: expires_at.into(),
    };
    show(console_user, &settings, shown)
}

/// Withdraws an invitation. Its link stops working.
///
/// # Errors
/// [`Error::Absent`]: it was already accepted or withdrawn, or belongs to another organization.
pub async fn revoke(
    form: Form<may::ManageMembers>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let organization = store.organization(&form.console_user.tenant);
    let withdrawn = organization.invitation_revoke(path::id("invitation", &id)?).await?;
    let invitation = withdrawn.ok_or_else(|| Error::absent("invitation", id.as_str()))?;
    let text = format!("The invitation of {} was withdrawn.", invitation.email);
    flash::redirect(form.console_user.request(), "/members", &text)
}
