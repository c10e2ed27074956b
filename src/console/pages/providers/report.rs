//! The result of a connection test, with the models that the provider offers.

use entity::ids::ProviderId;
use url::form_urlencoded;

use super::add_models::MOST;
use crate::console::components::format::{counted, duration, not_shown};
use crate::console::components::status_badge::StatusBadge;
use crate::console::pages::models::form::label;
use crate::gateway::preview::connection_test::ConnectionReport;
use crate::providers::known_kind;
use crate::store::snapshot::OrganizationSnapshot;

/// Maximum number of models listed.
const MOST_OFFERS: usize = 200;

/// The report as the page shows it.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) works: bool,
    pub(crate) result: StatusBadge,
    pub(crate) took: String,
    /// The redacted error; empty on success.
    pub(crate) message: String,
    /// How to fix the error.
    pub(crate) remedy: String,
    /// Number of models that the provider lists: `2 models`.
    pub(crate) number: String,
    /// The first of those models.
    pub(crate) offers: Vec<OfferedModel>,
    /// That some models are not shown; empty if all are.
    pub(crate) more: String,
    /// Number of listed models that are not in the catalog, if all of them can be added at once.
    pub(crate) all: Option<usize>,
}

/// A model that the provider offers.
#[derive(Debug, Clone)]
pub(crate) struct OfferedModel {
    /// Name at the provider.
    pub(crate) name: String,
    /// Its kind, if its name says that it is no chat model.
    pub(crate) kind: &'static str,
    /// Names in the catalog, if it was added.
    pub(crate) names: String,
    /// Path of the form that adds it.
    pub(crate) path: String,
}

impl Report {
    pub(crate) fn of(report: ConnectionReport, id: ProviderId, organization: &OrganizationSnapshot) -> Self {
        let remedy = report.remedy().unwrap_or_default().to_owned();
        let took = duration(i64::try_from(report.took.as_millis()).unwrap_or(i64::MAX));
        let number = report.models.len();
        let offers: Vec<OfferedModel> = report
            .models
            .into_iter()
            .take(MOST_OFFERS)
            .map(|name| OfferedModel::of(name, id, organization))
            .collect();
        let result = match &report.failure {
            None => StatusBadge::of_health("ok"),
            Some(failure) => StatusBadge::of_class(failure.class.as_str()),
        };
        Self {
            works: report.failure.is_none(),
            result,
            took,
            message: report.failure.map(|failure| failure.message).unwrap_or_default(),
            remedy,
            number: counted(number, "model", "models"),
            more: not_shown(number - offers.len()),
            all: Some(offers.iter().filter(|offer| offer.names.is_empty()).count())
                .filter(|fresh| (2..=MOST).contains(fresh)),
            offers,
        }
    }

    /// The report for a provider with a credential that cannot be decrypted.
    pub(crate) fn unopened() -> Self {
        Self {
            works: false,
            result: StatusBadge::of_health("failing"),
            took: duration(0),
            message: "This server cannot decrypt the stored credential.".to_owned(),
            remedy: "Enter the credential again below.".to_owned(),
            number: String::new(),
            offers: Vec::new(),
            more: String::new(),
            all: None,
        }
    }
}

impl OfferedModel {
    fn of(name: String, id: ProviderId, organization: &OrganizationSnapshot) -> Self {
        let own = organization.models.values();
        let own = own.filter(|model| model.provider.id == id && model.upstream_model == name);
        let mut names: Vec<&str> = own.map(|model| &*model.name).collect();
        names.sort_unstable();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("provider", &id.0.to_string()).append_pair("upstream", &name);
        let path = format!("/models/new?{}", query.finish());
        Self { kind: known_kind(&name).map_or("", label), names: names.join(", "), name, path }
    }
}
