//! The order of candidates, its limits and its deadline; by example where the contract gives one, by property where
//! it says "never" and "always".

use std::collections::HashMap;

use entity::ids::{ModelId, OrganizationId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::store::snapshot::{Budgets, Chains, TypedLists, samples};
use crate::store::{OrganizationSettings, TypedFallbacks};

mod examples;
mod facts;
mod headroom;
mod properties;
mod time;

/// An id that no other has.
fn fresh() -> Uuid {
    static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(1);
    Uuid::from_u64_pair(0, NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

/// A catalog in the making: models are made as they are named.
struct World {
    models: HashMap<&'static str, Arc<ModelEntry>>,
    disabled: Vec<&'static str>,
    chains: HashMap<ModelId, Chains>,
    typed_lists: TypedLists,
    settings: OrganizationSettings,
    limits: Limits,
}

/// The type of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    General,
    Context,
    Content,
}

/// A world in which nothing speaks against any model.
struct Clear;

impl CandidateFacts for Clear {
    fn cooldown_state(&self, _: &ModelEntry) -> CooldownState {
        CooldownState::Closed
    }

    fn claim_probe(&self, _: &ModelEntry) -> bool {
        true
    }

    fn unfit(&self, _: &ModelEntry) -> Option<ErrorClass> {
        None
    }
}

const PLENTY: DecisionInput<'static> =
    DecisionInput { left: Duration::from_secs(600), jitter: 0.0, facts: &Clear };

impl World {
    fn new() -> Self {
        Self {
            models: HashMap::new(),
            disabled: Vec::new(),
            chains: HashMap::new(),
            typed_lists: TypedLists::default(),
            settings: OrganizationSettings::default(),
            limits: Limits { max_fallbacks: 99, ..Limits::default() },
        }
    }

    fn model(&mut self, name: &'static str) -> Arc<ModelEntry> {
        let enabled = !self.disabled.contains(&name);
        self.models.entry(name).or_insert_with(|| model(name, enabled)).clone()
    }

    fn list(&mut self, of: &'static str, kind: Kind, targets: &[&'static str]) {
        self.list_for(of, kind, targets, None);
    }

    fn list_for(
        &mut self,
        of: &'static str,
        kind: Kind,
        targets: &[&'static str],
        triggers: Option<&[ErrorClass]>,
    ) {
        let chain = Arc::new(Chain {
            config_id: fresh(),
            revision: 1,
            triggers: triggers.map(|classes| classes.iter().map(|class| class.as_str().to_owned()).collect()),
            targets: targets.iter().map(|name| self.model(name)).collect(),
        });
        let id = self.model(of).id;
        let chains = self.chains.entry(id).or_default();
        match kind {
            Kind::General => chains.general = Some(chain),
            Kind::Context => {
                self.typed_lists.context_window = true;
                chains.context_window = Some(chain);
            }
            Kind::Content => {
                self.typed_lists.content_policy = true;
                chains.content_policy = Some(chain);
            }
        }
    }

    fn plan(&mut self, requested: &'static str) -> Plan {
        let requested = self.model(requested);
        let organization = OrganizationSnapshot {
            id: OrganizationId(fresh()),
            name: "test".into(),
            version: 1,
            settings: self.settings.clone(),
            keys: Default::default(),
            providers: HashMap::new(),
            models: HashMap::new(),
            chains: self.chains.clone(),
            typed_lists: self.typed_lists,
            budgets: Budgets::default(),
        };
        Plan::of_stored(Arc::new(organization), requested, self.limits.clone())
    }

    /// The candidates of a request when each call fails with the next of `classes`, and then with the last.
    fn run(&mut self, requested: &'static str, classes: &[ErrorClass]) -> Vec<String> {
        let mut plan = self.plan(requested);
        run(&mut plan, classes).looked_at()
    }
}

fn model(name: &str, enabled: bool) -> Arc<ModelEntry> {
    let model = samples::model(name, samples::provider("custom"));
    Arc::new(ModelEntry { id: ModelId(fresh()), enabled, ..model })
}

fn failure(class: ErrorClass) -> Failure {
    Failure::ours(class, "test", "failed")
}

/// One thing that a plan said.
#[derive(Debug)]
enum Said {
    Called(Candidate),
    PassedOver(Candidate, ErrorClass),
}

impl Said {
    fn model(&self) -> &ModelEntry {
        match self {
            Self::Called(candidate) | Self::PassedOver(candidate, _) => &candidate.model,
        }
    }
}

#[derive(Debug)]
struct Course {
    said: Vec<Said>,
    end: Exhausted,
}

impl Course {
    /// Names, those of the passed over in parentheses.
    fn looked_at(&self) -> Vec<String> {
        let name = |said: &Said| match said {
            Said::Called(candidate) => candidate.model.name.to_string(),
            Said::PassedOver(candidate, _) => format!("({})", candidate.model.name),
        };
        self.said.iter().map(name).collect()
    }

    fn called(&self) -> impl Iterator<Item = &Candidate> {
        self.said.iter().filter_map(|said| match said {
            Said::Called(candidate) => Some(candidate),
            Said::PassedOver(..) => None,
        })
    }
}

/// Fails every call until no candidate is left.
fn run(plan: &mut Plan, classes: &[ErrorClass]) -> Course {
    let mut said = Vec::new();
    let mut failures = classes.iter().chain(std::iter::repeat(classes.last().expect("a class")));
    let mut last = None;
    loop {
        match plan.next(last.take(), PLENTY) {
            Step::Try { candidate, .. } => {
                said.push(Said::Called(candidate));
                last = failures.next().copied().map(failure);
            }
            Step::Skip(candidate, skip_reason) => said.push(Said::PassedOver(candidate, skip_reason.class)),
            Step::Fetch => panic!("nothing is lacking"),
            Step::Exhausted(end) => return Course { said, end },
        }
        assert!(said.len() <= 1_000, "the plan does not end");
    }
}
