//! `POST /members/{id}/role`.

use actix_web::{HttpResponse, web};

use crate::auth::console::console_user::may;
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::domain::error::{Error, Result, Violation};
use crate::domain::permission::Role;
use crate::store::Store;

/// Changes a member's role. If the new role may not invite people, the member's invitations and links are canceled.
///
/// # Errors
/// [`Error::Absent`]. [`Error::Conflict`]: no owner would be left.
pub async fn change(
    form: Form<may::ManageMembers>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let unknown = || {
        Error::Invalid(vec![Violation::body("role", "value_error", "Choose one of the roles in the list.")])
    };
    let user_id = path::id("member", &id)?;
    let role = Role::parse(form.fields.text("role")).ok_or_else(unknown)?;
    let organization = store.organization(&form.console_user.tenant);
    let changed = organization.member_role_set(user_id, role.as_str()).await?;
    let (member, given) = changed.ok_or_else(|| Error::absent("member", id.as_str()))?;
    let text = format!("{} is now {}.{}", member.email, member.role, super::describe_given(given));
    flash::redirect(form.console_user.request(), "/members", &text)
}
