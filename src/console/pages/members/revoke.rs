//! `POST /members/invitations/{id}/revoke`.

use actix_web::{HttpResponse, web};

use crate::auth::console::console_user::may;
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Withdraws an invitation: its link does not work any more.
///
/// # Errors
/// [`Error::Absent`]: it was accepted or withdrawn already, or is another organization's.
pub async fn revoke(
    form: Form<may::ManageMembers>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let organization = store.organization(&form.visitor.tenant);
    let withdrawn = organization.invitation_revoke(path::id("invitation", &id)?).await?;
    let invitation = withdrawn.ok_or_else(|| Error::absent("invitation", id.as_str()))?;
    let text = format!("The invitation of {} is withdrawn.", invitation.email);
    flash::redirect(form.visitor.request(), "/members", &text)
}
