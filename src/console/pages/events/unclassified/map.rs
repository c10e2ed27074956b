//! `POST /events/{id}/map`: the sentence of this failure, and any other that contains its words, is read as a class.

use actix_web::{HttpResponse, web};
use entity::ids::FallbackEventId;

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
use crate::store::{EventRow, NewErrorMapping, Store};

/// What an event is called in messages.
const EVENT: &str = "fallback event";
/// Where on the page a refusal is said.
const PLACE: &str = "sentences";

/// Maps the sentence of an event.
///
/// # Errors
/// [`Error::Absent`]: the organization has no event of that id. The database cannot be written.
pub async fn map(
    form: Form<may::Configure>,
    id: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let Form { visitor, fields } = &form;
    let id: FallbackEventId = path::id(EVENT, &id)?;
    let data = store.organization(&visitor.tenant);
    let event = data.event_find(id).await?.ok_or_else(|| Error::absent(EVENT, id))?;
    let organization = &visitor.organization;
    let new = match mapping(&event, fields.text("class"), organization) {
        Ok(new) => new,
        Err(problem) => {
            return show(visitor, &store, &gateway, &clock, Problems::of(PLACE, problem)).await;
        }
    };
    let row = match data.error_mapping_create(new).await {
        Ok(row) => row,
        Err(error) => {
            let problems = Problems::of_refusal(error, PLACE, &[])?;
            return show(visitor, &store, &gateway, &clock, problems).await;
        }
    };
    let text = format!(
        "Sentences of {} with {} are read as {} from now on. To undo this, delete the mapping on this page.",
        provider_name(&row, organization),
        shown(&row.contains),
        row.word(),
    );
    flash::redirect(visitor.request(), PATH, &text)
}

/// What the button says of an event, or why it cannot.
fn mapping(
    event: &EventRow,
    class: &str,
    organization: &OrganizationSnapshot,
) -> std::result::Result<NewErrorMapping, String> {
    let class = SentenceClass::parse(class).ok_or("choose one of the classes in the list")?;
    if !by_status_alone(event) {
        let rule = event.matched_rule.as_deref().unwrap_or("none");
        return Err(format!(
            "this failure is not by its status alone: the rule {rule} has said what it is, so there is nothing to map"
        ));
    }
    let contains = parts(event.error_message.as_deref().unwrap_or_default());
    if contains.is_empty() {
        return Err(
            "without its numbers, ids and quotations nothing is left of this message that could be mapped"
                .to_owned(),
        );
    }
    let mapping = Mapping::new(MappingMeaning::Class(class), None, &contains);
    let mapping =
        mapping.map_err(|refused| format!("the message cannot be mapped: it {}", refused.expected))?;
    // A model that is gone does not say which provider it was.
    let provider_id = organization.models.get(&event.failed_model).map(|model| model.provider.id);
    Ok(NewErrorMapping { provider_id, mapping })
}
