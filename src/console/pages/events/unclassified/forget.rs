//! `POST /events/mappings/{id}/delete`: a mapping ends.

use actix_web::{HttpResponse, web};
use entity::ids::ErrorMappingId;

use super::sentence::shown;
use super::{PATH, provider_name};
use crate::auth::console::console_user::may;
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::domain::error::{Error, Result};
use crate::store::Store;

/// What a mapping is called in messages.
const WHAT: &str = "error mapping";

/// Deletes a mapping.
///
/// # Errors
/// [`Error::Absent`]: it is gone already, or another organization's.
pub async fn forget(
    form: Form<may::Configure>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let visitor = &form.visitor;
    let id: ErrorMappingId = path::id(WHAT, &id)?;
    let deleted = store.organization(&visitor.tenant).error_mapping_delete(id).await?;
    let row = deleted.ok_or_else(|| Error::absent(WHAT, id))?;
    let text = format!(
        "The mapping is deleted: sentences of {} with {} are no longer read as {}.",
        provider_name(&row, &visitor.organization),
        shown(&row.contains),
        row.word(),
    );
    flash::redirect(visitor.request(), PATH, &text)
}
