//! `/models/{id}/cooldown/end`: the model is called again.

use actix_web::{HttpResponse, web};
use entity::ids::ModelId;

use super::WHAT;
use crate::auth::console::console_user::may;
use crate::console::http::forms::Form;
use crate::console::http::{flash, path};
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// Ends the cooldown, in every process.
///
/// # Errors
/// The organization has no model of that id.
pub async fn end(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let visitor = &form.visitor;
    let id: ModelId = path::id(WHAT, &path)?;
    let row = store.organization(&visitor.tenant).model_end_cooldown(id).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, &*path))?;
    let said = format!("The cooldown of {} has ended. The next request calls it.", row.name);
    flash::redirect(visitor.request(), &format!("/models/{}", row.id), &said)
}
