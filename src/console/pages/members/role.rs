//! `POST /members/{id}/role`.

use actix_web::{HttpResponse, web};

use crate::auth::console::console_user::may;
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::domain::error::{Error, Result, Violation};
use crate::domain::permission::Role;
use crate::store::Store;

/// Gives a member another role. One that may not invite ends what the member has given out.
///
/// # Errors
/// [`Error::Absent`]. [`Error::Conflict`]: nobody would be an owner any more.
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
    let organization = store.organization(&form.visitor.tenant);
    let changed = organization.member_role_set(user_id, role.as_str()).await?;
    let (member, given) = changed.ok_or_else(|| Error::absent("member", id.as_str()))?;
    let text = format!("{} is {} now.{}", member.email, member.role, super::given_words(given));
    flash::redirect(form.visitor.request(), "/members", &text)
}
