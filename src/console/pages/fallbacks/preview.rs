//! Where a draft leads: its rail, how long it may take, and what is worth knowing before it is needed.

use std::sync::Arc;

use uuid::Uuid;

use super::draft::{Draft, ListDraft};
use crate::console::components::chain_diagram::{Rail, Station, StationKind};
use crate::console::components::format::duration;
use crate::console::components::status_badge::label;
use crate::console::pages::fallbacks::labels::{title, typical};
use crate::domain::error::Result;
use crate::domain::error_class::ErrorClass;
use crate::domain::fallback_type::FallbackType;
use crate::gateway::preview::chain_preview::{ChainPreview, chain_preview};
use crate::gateway::preview::chain_warnings::warnings;
use crate::gateway::preview::explain::Explained;
use crate::gateway::request::drills;
use crate::gateway::routing::cooldown::Cooldowns;
use crate::store::snapshot::{Chain, Chains, ModelEntry, OrganizationSnapshot};

/// The most stations that are drawn.
const STATIONS: usize = 8;

/// Where one list leads.
#[derive(Debug, Default)]
pub(crate) struct Outlook {
    pub(crate) rail: Option<Rail>,
    /// How long it may take, in a sentence.
    pub(crate) worst: String,
    pub(crate) warnings: Vec<String>,
}

/// The organization as it would be with the draft in force.
pub(crate) fn imagined(
    organization: &OrganizationSnapshot,
    model: &ModelEntry,
    draft: &Draft,
) -> Arc<OrganizationSnapshot> {
    let mut chains = Chains::default();
    for list in &draft.0 {
        let chain = chain(organization, list);
        match list.kind {
            FallbackType::General => chains.general = chain,
            FallbackType::ContextWindow => chains.context_window = chain,
            FallbackType::ContentPolicy => chains.content_policy = chain,
        }
    }
    Arc::new(organization.with_chains(model.id, chains))
}

/// A list that is not in force has no id: the nil one tells it from all others.
fn chain(organization: &OrganizationSnapshot, list: &ListDraft) -> Option<Arc<Chain>> {
    let targets: Vec<_> =
        list.models.iter().filter_map(|name| organization.models.get(name)).cloned().collect();
    let chain = Chain { config_id: Uuid::nil(), revision: 0, triggers: list.stored_triggers(), targets };
    (!chain.targets.is_empty()).then(|| Arc::new(chain))
}

/// Where a list leads, in the organization as it would be.
pub(crate) fn outlook(
    organization: &Arc<OrganizationSnapshot>,
    model: &ModelEntry,
    list: &ListDraft,
    cooldowns: &Cooldowns,
) -> Result<Outlook> {
    let behind: Vec<&ModelEntry> =
        list.models.iter().filter_map(|name| organization.models.get(name)).map(AsRef::as_ref).collect();
    if behind.is_empty() {
        return Ok(Outlook::default());
    }
    let class = class_of(list);
    let chain_preview = chain_preview(organization, model, class, cooldowns)?;
    let mut said: Vec<String> = warnings(model, list.kind, &behind).iter().map(ToString::to_string).collect();
    said.extend(too_many(organization, list));
    Ok(Outlook {
        rail: Some(rail(organization, &chain_preview, class, list.kind)),
        worst: worst(&chain_preview),
        warnings: said,
    })
}

/// The failure by which the list is shown: the one that it is made for, or else one that it is narrowed to.
fn class_of(list: &ListDraft) -> ErrorClass {
    let usual = typical(list.kind);
    if list.triggers.is_empty() || list.triggers.iter().any(|word| word == usual.as_str()) {
        return usual;
    }
    let mut narrowed =
        drills::callable().filter(|class| list.triggers.iter().any(|word| word == class.as_str()));
    narrowed.next().unwrap_or(usual)
}

fn too_many(organization: &OrganizationSnapshot, list: &ListDraft) -> Option<String> {
    let most = organization.settings.max_fallbacks as usize;
    (list.models.len() > most).then(|| {
        format!("A request calls at most {most} fallbacks (Settings): whoever stands behind them here is not reached.")
    })
}

fn worst(chain_preview: &ChainPreview) -> String {
    let told = |time: std::time::Duration| duration(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    format!(
        "At worst a caller waits {} for a whole answer, and {} for the first words of a stream.",
        told(chain_preview.longest),
        told(chain_preview.longest_stream)
    )
}

fn rail(
    organization: &OrganizationSnapshot,
    chain_preview: &ChainPreview,
    class: ErrorClass,
    kind: FallbackType,
) -> Rail {
    let label = format!("{} list: who is asked, in order", title(kind));
    let station = |(at, candidate): (usize, &Explained)| station(organization, candidate, class, at == 0);
    Rail { label, stations: shortened(chain_preview.candidates.iter().enumerate().map(station).collect()) }
}

/// As many stations as fit beside each other, and one that stands for the rest.
pub(crate) fn shortened(mut stations: Vec<Station>) -> Vec<Station> {
    if stations.len() > STATIONS {
        let rest = stations.split_off(STATIONS - 1).len();
        stations.push(Station::new(StationKind::Waiting, format!("and {rest} more")));
    }
    stations
}

fn station(
    organization: &OrganizationSnapshot,
    candidate: &Explained,
    class: ErrorClass,
    first: bool,
) -> Station {
    let kind = match candidate.passed_over {
        Some(_) => StationKind::PassedOver,
        None if first => StationKind::Failed,
        None => StationKind::Waiting,
    };
    let reason = match (candidate.passed_over, first) {
        (Some(reason), _) => label(reason).to_owned(),
        (None, true) => format!("if {}", label(class).to_lowercase()),
        (None, false) => brought_by(organization, candidate).unwrap_or_default(),
    };
    let path = organization.models.get(&candidate.model);
    Station {
        path: path.filter(|_| !first).map(|model| format!("/fallbacks/{}", model.id.0)),
        reason,
        facts: vec![candidate.provider.clone()],
        ..Station::new(kind, &candidate.model)
    }
}

/// Whose list it was, if it was another model's.
fn brought_by(organization: &OrganizationSnapshot, candidate: &Explained) -> Option<String> {
    let config_id = candidate.router_config_id.filter(|id| !id.is_nil())?;
    let holds = |lists: &Chains| {
        let mut lists = [&lists.general, &lists.context_window, &lists.content_policy].into_iter().flatten();
        lists.any(|chain| chain.config_id == config_id)
    };
    let (owner, _) = organization.chains.iter().find(|(_, lists)| holds(lists))?;
    organization.model(*owner).map(|model| format!("by the list of {}", model.name))
}
