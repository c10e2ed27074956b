//! Preview of a draft: its chain diagram, the longest wait, and warnings.

use std::sync::Arc;

use uuid::Uuid;

use super::draft::{Draft, ListDraft};
use crate::console::components::diagrams::chain_diagram::{ChainDiagram, ChainStep, ChainStepKind};
use crate::console::components::format::{counted, duration};
use crate::console::components::status_badge::label;
use crate::console::pages::fallbacks::labels::{title, typical};
use crate::domain::error::Result;
use crate::domain::failure::class::ErrorClass;
use crate::domain::fallback_type::FallbackType;
use crate::gateway::preview::chain_preview::{ChainPreview, chain_preview};
use crate::gateway::preview::chain_warnings::warnings;
use crate::gateway::preview::explain::Explained;
use crate::gateway::request::drills;
use crate::gateway::routing::cooldown::Cooldowns;
use crate::store::snapshot::{Chain, Chains, ModelEntry, OrganizationSnapshot};

/// Maximum number of steps in a diagram.
const MAX_STEPS: usize = 8;

/// Preview of one list.
#[derive(Debug, Default)]
pub(crate) struct ListPreview {
    pub(crate) diagram: Option<ChainDiagram>,
    /// The longest wait, in a sentence.
    pub(crate) worst: String,
    pub(crate) warnings: Vec<String>,
}

/// The organization as if the draft were saved.
pub(crate) fn with_draft(
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

/// An unsaved list gets the nil id, which no saved list has.
fn chain(organization: &OrganizationSnapshot, list: &ListDraft) -> Option<Arc<Chain>> {
    let targets: Vec<_> =
        list.models.iter().filter_map(|name| organization.models.get(name)).cloned().collect();
    let chain = Chain { config_id: Uuid::nil(), revision: 0, triggers: list.stored_triggers(), targets };
    (!chain.targets.is_empty()).then(|| Arc::new(chain))
}

/// Builds the preview of a list.
pub(crate) fn preview(
    organization: &Arc<OrganizationSnapshot>,
    model: &ModelEntry,
    list: &ListDraft,
    cooldowns: &Cooldowns,
) -> Result<ListPreview> {
    let behind: Vec<&ModelEntry> =
        list.models.iter().filter_map(|name| organization.models.get(name)).map(AsRef::as_ref).collect();
    if behind.is_empty() {
        return Ok(ListPreview::default());
    }
    let class = class_of(list);
    let chain_preview = chain_preview(organization, model, class, cooldowns)?;
    let mut messages: Vec<String> =
        warnings(model, list.kind, &behind).iter().map(ToString::to_string).collect();
    messages.extend(too_many(organization, list));
    Ok(ListPreview {
        diagram: Some(diagram(organization, &chain_preview, class, list.kind)),
        worst: worst(&chain_preview),
        warnings: messages,
    })
}

/// The failure used for the preview: the one that the list is meant for, or one of its triggers.
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
        let most = counted(most, "fallback", "fallbacks");
        format!("A request calls at most {most} (see Settings). The models after that in this list are not reached.")
    })
}

fn worst(chain_preview: &ChainPreview) -> String {
    let describe = |time: std::time::Duration| duration(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    format!(
        "In the worst case, a caller waits {} for a whole answer, and {} for the first token of a stream.",
        describe(chain_preview.longest),
        describe(chain_preview.longest_stream)
    )
}

fn diagram(
    organization: &OrganizationSnapshot,
    chain_preview: &ChainPreview,
    class: ErrorClass,
    kind: FallbackType,
) -> ChainDiagram {
    let label = format!("{} list: the models that are called, in order", title(kind));
    let step = |(at, candidate): (usize, &Explained)| step(organization, candidate, class, at == 0);
    ChainDiagram { label, steps: shortened(chain_preview.candidates.iter().enumerate().map(step).collect()) }
}

/// Shortens a chain to the maximum number of steps, with a last step that counts the rest.
pub(crate) fn shortened(mut steps: Vec<ChainStep>) -> Vec<ChainStep> {
    if steps.len() > MAX_STEPS {
        let rest = steps.split_off(MAX_STEPS - 1).len();
        steps.push(ChainStep::new(ChainStepKind::Waiting, format!("and {rest} more")));
    }
    steps
}

fn step(
    organization: &OrganizationSnapshot,
    candidate: &Explained,
    class: ErrorClass,
    first: bool,
) -> ChainStep {
    let kind = match candidate.passed_over {
        Some(_) => ChainStepKind::PassedOver,
        None if first => ChainStepKind::Failed,
        None => ChainStepKind::Waiting,
    };
    let reason = match (candidate.passed_over, first) {
        (Some(reason), _) => label(reason).to_owned(),
        (None, true) => format!("if {}", label(class).to_lowercase()),
        (None, false) => brought_by(organization, candidate).unwrap_or_default(),
    };
    let path = organization.models.get(&candidate.model);
    ChainStep {
        path: path.filter(|_| !first).map(|model| format!("/fallbacks/{}", model.id.0)),
        reason,
        facts: vec![candidate.provider.clone()],
        ..ChainStep::new(kind, &candidate.model)
    }
}

/// The owner of the list that added the candidate, if it is another model.
fn brought_by(organization: &OrganizationSnapshot, candidate: &Explained) -> Option<String> {
    let config_id = candidate.router_config_id.filter(|id| !id.is_nil())?;
    let holds = |lists: &Chains| {
        let mut lists = [&lists.general, &lists.context_window, &lists.content_policy].into_iter().flatten();
        lists.any(|chain| chain.config_id == config_id)
    };
    let (owner, _) = organization.chains.iter().find(|(_, lists)| holds(lists))?;
    organization.model(*owner).map(|model| format!("from the list of {}", model.name))
}
