//! `POST /members/invite`.

use actix_web::{HttpResponse, web};

use super::link::{Shown, show};
use super::list::{Query, Typed, page};
use crate::auth::console::console_user::may;
use crate::auth::console::link_secret;
use crate::auth::console::sign_in::Entrance;
use crate::config::Settings;
use crate::console::http::forms::{Form, Problems};
use crate::domain::clock::Clock;
use crate::domain::error::Result;
use crate::domain::permission::Role;
use crate::store::{NewInvitation, Store};
use crate::validation::account::parse_email;

/// Invites somebody, and shows the link.
///
/// # Errors
/// The database cannot be written.
pub async fn invite(
    form: Form<may::ManageMembers>,
    entrance: Entrance,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let Form { visitor, fields } = &form;
    let organization = store.organization(&visitor.tenant);
    let mut problems = Problems::default();
    let email = problems.check("email", parse_email(fields.text("email")));
    let role = Role::parse(fields.text("role")).ok_or_else(|| "choose one of the roles".to_owned());
    let role = problems.check("role", role);
    if let Some(email) = &email
        && organization.member_has_email(email).await?
    {
        problems.add("email", "somebody with this address belongs to the organisation already");
    }
    let (Some(email), Some(role), true) = (email, role, problems.is_empty()) else {
        let (email, role) = (fields.text("email").to_owned(), fields.text("role").to_owned());
        return page(visitor, &store, Query::default(), Typed { problems, email, role }).await;
    };
    let (secret, token_hash) = entrance.new_secret()?;
    let expires_at = clock.now() + link_secret::INVITATION;
    let (role, invited_by) = (role.to_string(), Some(visitor.user.id));
    let new = NewInvitation { email, role, token_hash, expires_at, invited_by };
    let invitation = organization.invitation_create(new).await?;
    let shown = Shown {
        title: "Invitation",
        email: &invitation.email,
        allows: "joins the organisation under this address, while you may invite people",
        page: "invite",
        secret: &secret,
        expires: expires_at.into(),
    };
    show(visitor, &settings, shown)
}
