//! Creates and deletes error mappings: `POST /events/{id}/map` maps the message of a failure, and others with the same text,
//! to a class; `POST /events/mappings/{id}/delete` deletes a mapping.

use actix_web::{HttpResponse, web};
use entity::ids::{ErrorMappingId, FallbackEventId};

use super::sentence::{by_status_alone, parts, shown};
use super::{PATH, provider_name, show};
use crate::auth::console::console_user::may;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::path;
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::gateway::Gateway;
use crate::providers::{Mapping, MappingMeaning, SentenceClass};
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{FallbackEventRow, NewErrorMapping, Store};

/// Name of an event in error messages.
const EVENT: &str = "fallback event";
/// Name of a mapping in error messages.
const MAPPING: &str = "error mapping";
/// Field of the form where refusals are shown.
const PLACE: &str = "sentences";

/// Maps the message of an event to the chosen class.
///
/// # Errors
/// [`Error::Absent`]: the organization has no event with this id. The database cannot be written.
pub async fn create(
    form: Form<may::Configure>,
    id: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let Form { console_user, fields } = &form;
    let id: FallbackEventId = path::id(EVENT, &id)?;
    let data = store.organization(&console_user.tenant);
    let event = data.event_find(id).await?.ok_or_else(|| Error::absent(EVENT, id))?;
    let organization = &console_user.organization;
    let new = match mapping(&event, fields.text("class"), organization) {
        Ok(new) => new,
        Err(problem) => {
            return show(console_user, &store, &gateway, &clock, Problems::of(PLACE, problem)).await;
        }
    };
    let row = match data.error_mapping_create(new).await {
        Ok(row) => row,
        Err(error) => {
            let problems = Problems::of_refusal(error, PLACE, &[])?;
            return show(console_user, &store, &gateway, &clock, problems).await;
        }
    };
    let text = format!(
        "From now on, messages of {} with {} are classified as {}. To undo this, delete the mapping on this page.",
        provider_name(&row, organization),
        shown(&row.contains),
        row.word(),
    );
    flash::redirect(console_user.request(), PATH, &text)
}

/// The mapping that an event would create, or the reason why it cannot be mapped.
fn mapping(
    event: &FallbackEventRow,
    class: &str,
    organization: &OrganizationSnapshot,
) -> std::result::Result<NewErrorMapping, String> {
    let class = SentenceClass::parse(class).ok_or("choose one of the classes in the list")?;
    if !by_status_alone(event) {
        let rule = event.matched_rule.as_deref().unwrap_or("none");
        return Err(format!("the rule {rule} already classified this failure, so there is nothing to map"));
    }
    let contains = parts(event.error_message.as_deref().unwrap_or_default());
    if contains.is_empty() {
        return Err(
            "without its numbers, ids and quotations, this message has no text left to map".to_owned()
        );
    }
    let mapping = Mapping::new(MappingMeaning::Class(class), None, &contains);
    let mapping =
        mapping.map_err(|refused| format!("the message cannot be mapped: it {}", refused.expected))?;
    // A deleted model no longer tells which provider it used.
    let provider_id = organization.models.get(&event.failed_model).map(|model| model.provider.id);
    Ok(NewErrorMapping { provider_id, mapping })
}

/// Deletes a mapping.
///
/// # Errors
/// [`Error::Absent`]: the mapping is already deleted or belongs to another organization.
pub async fn delete(
    form: Form<may::Configure>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let console_user = &form.console_user;
    let id: ErrorMappingId = path::id(MAPPING, &id)?;
    let deleted = store.organization(&console_user.tenant).error_mapping_delete(id).await?;
    let row = deleted.ok_or_else(|| Error::absent(MAPPING, id))?;
    let text = format!(
        "The mapping was deleted: messages of {} with {} are no longer classified as {}.",
        provider_name(&row, &console_user.organization),
        shown(&row.contains),
        row.word(),
    );
    flash::redirect(console_user.request(), PATH, &text)
}
