//! The editor's page, and everything that it is made of.

use std::sync::Arc;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::draft::{Draft, ListDraft};
use super::history::{RevisionLine, lines};
use crate::auth::console::console_user::{Requires, Visitor};
use crate::console::components::format::{count, share};
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::status_badge::label;
use crate::console::components::timestamp::Moment;
use crate::console::http::forms::Problems;
use crate::console::pages::fallbacks::labels::{aftermath, enumerate, purpose, title, triggers};
use crate::console::pages::fallbacks::preview::{Outlook, imagined, outlook};
use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::domain::permission::Permission;
use crate::gateway::routing::cooldown::Cooldowns;
use crate::store::snapshot::{ModelEntry, OrganizationSnapshot};
use crate::store::{FallbackFilter, FallbackRevision, FallbackRow, OrgStore, RequestCounts, RollupSpan};

/// The revisions that are shown, and that can be gone back to.
pub(crate) const REVISIONS: u64 = 50;

/// What the page of one model's lists is made of.
pub(crate) struct Desk {
    pub(crate) frame: Frame,
    pub(crate) organization: Arc<OrganizationSnapshot>,
    pub(crate) model: Arc<ModelEntry>,
    pub(crate) may_configure: bool,
    /// What is in force.
    pub(crate) rows: Vec<FallbackRow>,
    /// Newest first.
    pub(crate) history: Vec<FallbackRevision>,
    /// The model's requests of the last 24 hours.
    pub(crate) counts: RequestCounts,
}

/// What a page has to say besides the draft.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    pub(crate) problems: Problems,
    /// What others changed in the meantime.
    pub(crate) conflicts: Vec<Conflict>,
    /// What would be lost, to be confirmed.
    pub(crate) losses: Vec<String>,
}

/// A list that somebody else changed while it was edited here.
#[derive(Debug)]
pub(crate) struct Conflict {
    pub(crate) title: &'static str,
    /// Who, if it is known.
    pub(crate) actor: String,
    pub(crate) at: Option<Moment>,
    /// What is in force now.
    pub(crate) models: String,
}

#[derive(Template)]
#[template(path = "fallbacks/edit.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) model: String,
    pub(crate) model_id: String,
    pub(crate) enabled: bool,
    /// What became of its requests, in a few words.
    pub(crate) traffic: String,
    pub(crate) may_configure: bool,
    pub(crate) notices: Notices,
    pub(crate) lists: Vec<ListView>,
    /// Whether anything stands here that is not in force.
    pub(crate) unsaved: bool,
    /// Whether there is anything to try out.
    pub(crate) any: bool,
    pub(crate) history: Vec<RevisionLine>,
}

/// One list.
pub(crate) struct ListView {
    pub(crate) word: &'static str,
    pub(crate) title: &'static str,
    pub(crate) purpose: &'static str,
    pub(crate) entries: Vec<Entry>,
    /// Who could be added.
    pub(crate) choices: Vec<String>,
    pub(crate) triggers: Vec<Trigger>,
    /// The classes that it is narrowed to, in words; empty: every failure.
    pub(crate) narrowed: String,
    pub(crate) revision: String,
    pub(crate) in_force: bool,
    pub(crate) changed: bool,
    pub(crate) outlook: Outlook,
    pub(crate) problem: Option<String>,
}

/// One model of a list.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) provider: String,
}

/// A class that may narrow a list.
pub(crate) struct Trigger {
    pub(crate) word: &'static str,
    pub(crate) label: &'static str,
    pub(crate) ticked: bool,
}

/// The model of that id, as a path has it.
///
/// # Errors
/// The organization has no such model.
pub(crate) fn model_of<P>(visitor: &Visitor<P>, id: &str) -> Result<Arc<ModelEntry>> {
    let found = id.parse().ok().and_then(|id| visitor.organization.model(id).cloned());
    found.ok_or_else(|| Error::absent("model", id))
}

/// The last 24 hours of live traffic.
pub(crate) fn last_day(now: DateTime<Utc>) -> RollupSpan {
    let origin = Some("live".to_owned());
    RollupSpan { since: now - TimeDelta::days(1), until: now + TimeDelta::seconds(1), origin }
}

impl Desk {
    /// Reads it.
    ///
    /// # Errors
    /// The organization has no such model.
    pub(crate) async fn open<P: Requires>(
        visitor: &Visitor<P>,
        id: &str,
        data: &OrgStore,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let model = model_of(visitor, id)?;
        let filter = FallbackFilter { model: Some(model.name.to_string()), ..FallbackFilter::default() };
        let mut counts = data.request_counts_by_model(&last_day(now)).await?;
        Ok(Self {
            frame: Frame::of(visitor, &format!("Fallbacks of {}", model.name), Lit::Fallbacks),
            organization: visitor.organization.clone(),
            may_configure: visitor.may(Permission::Configure),
            rows: data.fallback_list(&filter).await?,
            history: data.fallback_history(&model.name, REVISIONS).await?,
            counts: counts.remove(&*model.name).unwrap_or_default(),
            model,
        })
    }

    /// What others changed in these lists.
    pub(crate) fn conflicts(&self, kinds: &[FallbackType]) -> Vec<Conflict> {
        let conflict = |kind: &FallbackType| {
            let last = self.history.iter().find(|revision| revision.fallback_type == *kind);
            let row = self.rows.iter().find(|row| row.fallback_type == *kind);
            Conflict {
                title: title(*kind),
                actor: last.map_or_else(|| "somebody".to_owned(), |last| last.actor.clone()),
                at: last.map(|last| Moment::from(last.created_at)),
                models: enumerate(row.map(|row| row.fallback_models.as_slice()).unwrap_or_default()),
            }
        };
        kinds.iter().map(conflict).collect()
    }

    /// What is lost when the draft is put in force: the lists that are in force and empty in it.
    pub(crate) fn losses(&self, draft: &Draft) -> Vec<String> {
        let general =
            draft.0.iter().any(|list| list.kind == FallbackType::General && !list.models.is_empty());
        let emptied = draft.changed(&self.rows).filter(|list| list.models.is_empty());
        let loss = |list: &ListDraft| {
            let row = self.rows.iter().find(|row| row.fallback_type == list.kind);
            let models = enumerate(row.map(|row| row.fallback_models.as_slice()).unwrap_or_default());
            format!(
                "The list \u{201c}{}\u{201d} of {} ({models}) is deleted. {}",
                title(list.kind),
                self.model.name,
                aftermath(list.kind, &self.model.name, general)
            )
        };
        emptied.map(loss).collect()
    }

    fn traffic(&self) -> String {
        let (requests, saved) = (self.counts.requests(), self.counts.by_fallback);
        if requests == 0 {
            return "No requests for it in the last 24 hours.".to_owned();
        }
        format!(
            "{} requests in the last 24 hours, {} of them ({}) answered by a fallback, {} failed.",
            count(requests),
            count(saved),
            share(saved, requests),
            count(self.counts.failed)
        )
    }

    fn list(
        &self,
        list: &ListDraft,
        imagined: &Arc<OrganizationSnapshot>,
        cooldowns: &Cooldowns,
        problems: &Problems,
    ) -> Result<ListView> {
        let outlook = outlook(imagined, &self.model, list, cooldowns)?;
        let ticked = |word: &str| list.triggers.iter().any(|known| known == word);
        let triggers: Vec<Trigger> = triggers()
            .map(|class| Trigger {
                word: class.as_str(),
                label: label(class),
                ticked: ticked(class.as_str()),
            })
            .collect();
        let narrowed: Vec<&str> = triggers.iter().filter(|one| one.ticked).map(|one| one.label).collect();
        Ok(ListView {
            word: list.kind.as_str(),
            title: title(list.kind),
            purpose: purpose(list.kind, self.organization.settings.typed_fallbacks),
            entries: list.models.iter().map(|name| self.entry(name)).collect(),
            choices: self.choices(list),
            narrowed: narrowed.join(", "),
            triggers,
            revision: list.revision.map(|revision| revision.to_string()).unwrap_or_default(),
            in_force: self.rows.iter().any(|row| row.fallback_type == list.kind),
            changed: false,
            outlook,
            problem: problems.get(list.kind.as_str()).map(str::to_owned),
        })
    }

    fn entry(&self, name: &str) -> Entry {
        let model = self.organization.models.get(name);
        Entry {
            name: name.to_owned(),
            provider: model.map_or_else(
                || "not in the catalogue any more".to_owned(),
                |model| model.provider.name.to_string(),
            ),
        }
    }

    fn choices(&self, list: &ListDraft) -> Vec<String> {
        let others = self.organization.models.keys();
        let fits = |name: &&String| **name != *self.model.name && !list.models.contains(name);
        let mut choices: Vec<String> = others.filter(fits).cloned().collect();
        choices.sort();
        choices
    }

    /// The page, with a draft on it.
    ///
    /// # Errors
    /// The chain cannot be walked.
    pub(crate) fn page(self, draft: &Draft, notices: Notices, cooldowns: &Cooldowns) -> Result<Page> {
        let imagined = imagined(&self.organization, &self.model, draft);
        let view = |list: &ListDraft| self.list(list, &imagined, cooldowns, &notices.problems);
        let mut lists = draft.0.iter().map(view).collect::<Result<Vec<_>>>()?;
        let changed: Vec<&str> = draft.changed(&self.rows).map(|list| list.kind.as_str()).collect();
        for list in &mut lists {
            list.changed = changed.contains(&list.word);
        }
        Ok(Page {
            model: self.model.name.to_string(),
            model_id: self.model.id.0.to_string(),
            enabled: self.model.enabled,
            traffic: self.traffic(),
            may_configure: self.may_configure,
            unsaved: !changed.is_empty(),
            any: !self.rows.is_empty(),
            history: lines(&self.history, &self.rows),
            frame: self.frame,
            notices,
            lists,
        })
    }
}
