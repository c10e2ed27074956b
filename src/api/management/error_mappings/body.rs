//! What a mapping's body may hold.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::api::json_fields::Fields;
use crate::api::management::checks;
use crate::domain::error::{Error, Result};
use crate::providers::{Mapping, Means, SentenceClass};
use crate::store::NewErrorMapping;

/// The failures that sentences are read in.
const STATUSES: std::ops::RangeInclusive<i64> = 400..=599;

/// The word of a mapping that names no class.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MappingScope {
    /// The one request.
    Request,
}

/// A mapping to be made: either `class` or `scope` must be there.
#[derive(Debug, ToSchema)]
pub struct NewErrorMappingBody {
    /// Parts that a sentence must contain, in this order, each of 6 to 500 characters. Leave out what differs from one
    /// request to the next, such as numbers. Case, quotes and blanks do not matter.
    #[schema(min_items = 1, max_items = 8)]
    pub contains: Vec<String>,
    /// The class that such a sentence means. It is read on 400, 413 and 422 and in an error inside a 200 alone.
    pub class: Option<SentenceClass>,
    /// `request`: such a sentence speaks of the one request and not of the model, whatever its class is.
    pub scope: Option<MappingScope>,
    /// Read it on this status alone; null: on every status on which sentences are read.
    #[schema(minimum = 400, maximum = 599)]
    pub status: Option<i64>,
    /// The provider that says them; null: every provider of the organization.
    pub provider_id: Option<Uuid>,
}

/// # Errors
/// Every field that is refused.
pub(super) fn parse(bytes: &[u8]) -> Result<NewErrorMapping> {
    let mut fields = Fields::parse(bytes)?;
    let new = read(&mut fields);
    fields.finish()?;
    // What is required and not there has been refused.
    new.ok_or_else(|| Error::internal("a required field got lost"))
}

/// None: a violation is noted.
fn read(fields: &mut Fields) -> Option<NewErrorMapping> {
    fields.ignore(&["id", "created_by", "created_at"]);
    let contains = fields.required_strings("contains");
    let means = means(fields);
    let status = fields.integer("status", STATUSES).value();
    let provider_id = checks::nullable_text(fields, "provider_id", checks::id::<Uuid>);
    let (contains, means, provider_id) = (contains?, means?, provider_id?.value());
    let status = status.and_then(|status| u16::try_from(status).ok());
    match Mapping::new(means, status, &contains) {
        Ok(mapping) => Some(NewErrorMapping { provider_id: provider_id.map(Into::into), mapping }),
        Err(refused) => {
            let field = refused.field;
            match refused.part {
                Some(part) => {
                    let message = format!("Every entry of '{field}' {}.", refused.expected);
                    fields.refuse_entry(field, part, "value_error", message);
                }
                None => fields.refuse(field, "value_error", format!("'{field}' {}.", refused.expected)),
            }
            None
        }
    }
}

/// One of the two, and only one.
fn means(fields: &mut Fields) -> Option<Means> {
    let words = SentenceClass::ALL.map(SentenceClass::as_str);
    let class =
        checks::nullable_text(fields, "class", |text| checks::word(text, &words).map(SentenceClass::parse));
    let scope = checks::nullable_text(fields, "scope", |text| checks::word(text, &["request"]));
    match (class?.value().flatten(), scope?.value()) {
        (Some(class), None) => Some(Means::Class(class)),
        (None, Some(_)) => Some(Means::OfTheRequest),
        (Some(_), Some(_)) => {
            fields.refuse("scope", "value_error", "A mapping has either 'class' or 'scope'. Leave one out.");
            None
        }
        (None, None) => {
            fields.refuse(
                "class",
                "missing",
                "A mapping needs a 'class', or the scope 'request' in its place.",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::management::checks::assert_reads_all_of;

    #[test]
    fn what_is_described_is_read() {
        assert_reads_all_of::<NewErrorMappingBody>(|fields| {
            let _new = read(fields);
        });
    }
}
