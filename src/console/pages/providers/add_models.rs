//! `POST /providers/{id}/models`: adds models that a connection test has listed, many at once.

use std::collections::BTreeSet;

use actix_web::{HttpResponse, web};
use entity::ids::ProviderId;

use super::read::find;
use crate::auth::console::console_user::may;
use crate::console::components::format::{counted, not_shown};
use crate::console::http::flash;
use crate::console::http::forms::{Fields, Form};
use crate::domain::error::{Error, Result};
use crate::providers::known_kind;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{ModelFields, ModelSettings, Store};
use crate::validation;
use crate::validation::bounds::LONGEST_UPSTREAM_NAME;

/// Maximum number of models that are added at once.
pub(super) const MOST: usize = 100;
/// Maximum number of names in the message.
const NAMED: usize = 5;

/// Models to add, and the names of those that cannot be added, with the reason.
#[derive(Debug, Default)]
struct Plan {
    new: Vec<ModelFields>,
    refused: Vec<String>,
}

/// Adds the checked models, all in one transaction. Those that cannot be added are named.
///
/// # Errors
/// The organization has no provider with this id.
pub async fn add(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let console_user = &form.console_user;
    let data = store.organization(&console_user.tenant);
    let provider = find(&data, &path).await?;
    let names = checked(&form.fields);
    let text = if names.is_empty() {
        "No model was checked, so none was added. Test the connection again to see them.".to_owned()
    } else if names.len() > MOST {
        format!("At most {MOST} models can be added at once, so none was added. Test the connection again.")
    } else {
        let prefix = form.fields.text("prefix").trim();
        let Plan { new, refused } = Plan::of(&names, prefix, provider.id, &console_user.organization);
        match data.model_create_all(new).await {
            Ok(added) => message(added.len(), &refused),
            // Someone else has just used one of the names.
            Err(Error::Conflict { message }) => format!("No model was added: {message}"),
            Err(error) => return Err(error),
        }
    };
    flash::redirect(console_user.request(), &format!("/providers/{}", provider.id), &text)
}

/// The names at the provider, each once.
fn checked(fields: &Fields) -> Vec<&str> {
    let field = if fields.flag("all") { "offered" } else { "model" };
    let mut seen = BTreeSet::new();
    fields
        .list(field)
        .into_iter()
        .map(str::trim)
        .filter(|name| !name.is_empty() && seen.insert(*name))
        .collect()
}

impl Plan {
    fn of(
        names: &[&str],
        prefix: &str,
        provider_id: ProviderId,
        organization: &OrganizationSnapshot,
    ) -> Self {
        let mut plan = Self::default();
        for upstream in names {
            let name = format!("{prefix}{upstream}");
            if organization.models.contains_key(name.as_str()) {
                plan.refused.push(format!("{name} is in the catalog already"));
            } else if validation::model_name(&name).is_err()
                || validation::printable(upstream, LONGEST_UPSTREAM_NAME).is_err()
            {
                plan.refused.push(format!("{name} is no name for a model"));
            } else {
                let kind = known_kind(upstream).unwrap_or_default();
                plan.new.push(ModelFields {
                    name,
                    provider_id,
                    upstream_model: (*upstream).to_owned(),
                    settings: ModelSettings { kind, ..ModelSettings::default() },
                    enabled: true,
                });
            }
        }
        plan
    }
}

fn message(added: usize, refused: &[String]) -> String {
    let done = match added {
        0 => "No model was added.".to_owned(),
        added => {
            format!(
                "{}. Apps can request what was added now.",
                counted(added, "model was added", "models were added")
            )
        }
    };
    if refused.is_empty() {
        return done;
    }
    let named: Vec<&str> = refused.iter().take(NAMED).map(String::as_str).collect();
    let more = not_shown(refused.len() - named.len());
    let advice = "With a prefix, a name can be added again.";
    format!("{done} Not added: {}. {more} {advice}", named.join(", ")).replace("  ", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_and_what_was_not_is_said() {
        assert_eq!(message(1, &[]), "1 model was added. Apps can request what was added now.");
        let taken = ["a is in the catalog already".to_owned()];
        assert_eq!(
            message(0, &taken),
            "No model was added. Not added: a is in the catalog already. With a prefix, a name can be added again."
        );
        let many: Vec<String> = (0..7).map(|number| format!("m{number} is no name for a model")).collect();
        assert!(message(2, &many).starts_with("2 models were added."), "{}", message(2, &many));
        assert!(!message(2, &many).contains("m5"), "{}", message(2, &many));
    }

    #[test]
    fn names_are_taken_once_and_all_of_them_if_asked() {
        let fields = [("model", "a"), ("model", " a "), ("model", ""), ("offered", "a"), ("offered", "b")];
        assert_eq!(checked(&Fields::of(&fields)), ["a"]);
        let all = [&fields[..], &[("all", "1")]].concat();
        assert_eq!(checked(&Fields::of(&all)), ["a", "b"]);
    }
}
