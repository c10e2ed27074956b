//! What a test of a connection found out, and what the provider offers.

use entity::ids::ProviderId;
use url::form_urlencoded;

use crate::console::components::format::duration;
use crate::console::components::status_badge::Mark;
use crate::gateway::preview::connection_test::ConnectionReport;
use crate::store::snapshot::OrganizationSnapshot;

/// The most models that the page names.
const MOST_OFFERS: usize = 200;

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) works: bool,
    pub(crate) result: Mark,
    pub(crate) took: String,
    /// What went wrong, redacted; empty where nothing did.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) remedy: String,
    /// How many models it names.
    pub(crate) number: usize,
    /// The first of them.
    pub(crate) offers: Vec<Offer>,
    /// How many are not shown.
    pub(crate) more: usize,
}

/// A model that a provider offers.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// What the provider calls it.
    pub(crate) name: String,
    /// What the catalogue calls it, if it is there.
    pub(crate) names: String,
    /// Where it is added.
    pub(crate) path: String,
}

impl Report {
    pub(crate) fn of(report: ConnectionReport, id: ProviderId, organization: &OrganizationSnapshot) -> Self {
        let remedy = report.remedy().unwrap_or_default().to_owned();
        let took = duration(i64::try_from(report.took.as_millis()).unwrap_or(i64::MAX));
        let number = report.models.len();
        let offers: Vec<Offer> = report
            .models
            .into_iter()
            .take(MOST_OFFERS)
            .map(|name| Offer::of(name, id, organization))
            .collect();
        let result = match &report.failure {
            None => Mark::of_health("ok"),
            Some(failure) => Mark::of_class(failure.class.as_str()),
        };
        Self {
            works: report.failure.is_none(),
            result,
            took,
            message: report.failure.map(|failure| failure.message).unwrap_or_default(),
            remedy,
            number,
            more: number - offers.len(),
            offers,
        }
    }

    /// Of a provider that this process cannot call at all.
    pub(crate) fn unopened() -> Self {
        Self {
            works: false,
            result: Mark::of_health("failing"),
            took: duration(0),
            message: "The stored credential cannot be opened by this server.".to_owned(),
            remedy: "Give the credential again below.".to_owned(),
            number: 0,
            offers: Vec::new(),
            more: 0,
        }
    }
}

impl Offer {
    fn of(name: String, id: ProviderId, organization: &OrganizationSnapshot) -> Self {
        let own = organization.models.values();
        let own = own.filter(|model| model.provider.id == id && model.upstream_model == name);
        let mut names: Vec<&str> = own.map(|model| &*model.name).collect();
        names.sort_unstable();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("provider", &id.0.to_string()).append_pair("upstream", &name);
        let path = format!("/models/new?{}", query.finish());
        Self { names: names.join(", "), name, path }
    }
}
