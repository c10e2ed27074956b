//! The fallback editor's page and its data.

use std::sync::Arc;

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::draft::{Draft, ListDraft};
use super::history::{RevisionLine, lines};
use crate::auth::console::console_user::{ConsoleUser, Requires};
use crate::console::components::format::{count, counted, share};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::status_badge::label;
use crate::console::components::time_range::Choice;
use crate::console::components::timestamp::Timestamp;
use crate::console::http::forms::Problems;
use crate::console::pages::fallbacks::labels::{aftermath, enumerate, purpose, title, triggers};
use crate::console::pages::fallbacks::preview::{ListPreview, preview, with_draft};
use crate::console::pages::models::line::with_price;
use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::domain::origin::Origin;
use crate::domain::permission::Permission;
use crate::gateway::routing::cooldown::Cooldowns;
use crate::store::snapshot::{ModelEntry, OrganizationSnapshot};
use crate::store::{FallbackFilter, FallbackRevision, FallbackRow, OrgStore, RequestCounts, RollupSpan};

/// Maximum number of revisions that are shown and can be restored.
pub(crate) const REVISIONS: u64 = 50;

/// Data of the editor for one model.
pub(crate) struct EditorPage {
    pub(crate) frame: Frame,
    pub(crate) organization: Arc<OrganizationSnapshot>,
    pub(crate) model: Arc<ModelEntry>,
    pub(crate) may_configure: bool,
    /// The lists as saved.
    pub(crate) rows: Vec<FallbackRow>,
    /// The revisions, newest first.
    pub(crate) history: Vec<FallbackRevision>,
    /// The model's requests in the last 24 hours.
    pub(crate) counts: RequestCounts,
}

/// Messages of the page besides the draft.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    pub(crate) problems: Problems,
    /// Changes by others since the page was opened.
    pub(crate) conflicts: Vec<Conflict>,
    /// Deletions that need confirmation.
    pub(crate) losses: Vec<String>,
}

/// A list that someone else changed in the meantime.
#[derive(Debug)]
pub(crate) struct Conflict {
    pub(crate) title: &'static str,
    /// Who changed it, if known.
    pub(crate) actor: String,
    pub(crate) at: Option<Timestamp>,
    /// The models in the current list.
    pub(crate) models: String,
}

#[derive(Template)]
#[template(path = "fallbacks/edit.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) model: String,
    pub(crate) model_id: String,
    pub(crate) enabled: bool,
    /// The model's recent traffic, in a sentence.
    pub(crate) traffic: String,
    pub(crate) may_configure: bool,
    pub(crate) notices: Notices,
    pub(crate) lists: Vec<ListView>,
    /// Whether the draft has unsaved changes.
    pub(crate) unsaved: bool,
    /// Whether there is any list to try out.
    pub(crate) any: bool,
    pub(crate) history: Vec<RevisionLine>,
}

/// One list of the model.
pub(crate) struct ListView {
    pub(crate) word: &'static str,
    pub(crate) title: &'static str,
    pub(crate) purpose: &'static str,
    pub(crate) entries: Vec<Entry>,
    /// Models that can be added.
    pub(crate) choices: Vec<Choice>,
    pub(crate) triggers: Vec<Trigger>,
    /// Names of the classes that use the list; empty means every failure.
    pub(crate) narrowed: String,
    pub(crate) revision: String,
    pub(crate) in_force: bool,
    pub(crate) changed: bool,
    pub(crate) preview: ListPreview,
    pub(crate) problem: Option<String>,
}

/// One model in a list.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) provider: String,
}

/// An error class that can narrow a list.
pub(crate) struct Trigger {
    pub(crate) word: &'static str,
    pub(crate) label: &'static str,
    pub(crate) ticked: bool,
}

/// The model with the id in the path.
///
/// # Errors
/// The organization has no such model.
pub(crate) fn model_of<P>(console_user: &ConsoleUser<P>, id: &str) -> Result<Arc<ModelEntry>> {
    let found = id.parse().ok().and_then(|id| console_user.organization.model(id).cloned());
    found.ok_or_else(|| Error::absent("model", id))
}

/// The last 24 hours of live traffic.
pub(crate) fn last_day(now: DateTime<Utc>) -> RollupSpan {
    let origin = Some(Origin::Live);
    RollupSpan { since: now - TimeDelta::days(1), until: now + TimeDelta::seconds(1), origin }
}

impl EditorPage {
    /// Loads the data.
    ///
    /// # Errors
    /// The organization has no such model.
    pub(crate) async fn open<P: Requires>(
        console_user: &ConsoleUser<P>,
        id: &str,
        data: &OrgStore,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let model = model_of(console_user, id)?;
        let filter = FallbackFilter { model: Some(model.name.to_string()), ..FallbackFilter::default() };
        let mut counts = data.request_counts_by_model(&last_day(now)).await?;
        Ok(Self {
            frame: Frame::of(
                console_user,
                &format!("Fallbacks of {}", model.name),
                NavigationItem::Fallbacks,
            ),
            organization: console_user.organization.clone(),
            may_configure: console_user.may(Permission::Configure),
            rows: data.fallback_list(&filter).await?,
            history: data.fallback_history(&model.name, REVISIONS).await?,
            counts: counts.remove(&*model.name).unwrap_or_default(),
            model,
        })
    }

    /// The changes by others to these lists.
    pub(crate) fn conflicts(&self, kinds: &[FallbackType]) -> Vec<Conflict> {
        let conflict = |kind: &FallbackType| {
            let last = self.history.iter().find(|revision| revision.fallback_type == *kind);
            let row = self.rows.iter().find(|row| row.fallback_type == *kind);
            Conflict {
                title: title(*kind),
                actor: last.map_or_else(|| "Someone".to_owned(), |last| last.actor.clone()),
                at: last.map(|last| Timestamp::from(last.created_at)),
                models: enumerate(row.map(|row| row.fallback_models.as_slice()).unwrap_or_default()),
            }
        };
        kinds.iter().map(conflict).collect()
    }

    /// The existing lists that saving the draft would delete, as sentences.
    pub(crate) fn losses(&self, draft: &Draft) -> Vec<String> {
        let general =
            draft.0.iter().any(|list| list.kind == FallbackType::General && !list.models.is_empty());
        let emptied = draft.changed(&self.rows).filter(|list| list.models.is_empty());
        let loss = |list: &ListDraft| {
            let row = self.rows.iter().find(|row| row.fallback_type == list.kind);
            let models = enumerate(row.map(|row| row.fallback_models.as_slice()).unwrap_or_default());
            format!(
                "The list \u{201c}{}\u{201d} of {} ({models}) will be deleted. {}",
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
            "{} in the last 24 hours, {} of them ({}) answered by a fallback, {} failed.",
            counted(requests, "request", "requests"),
            count(saved),
            share(saved, requests),
            count(self.counts.failed)
        )
    }

    fn list(
        &self,
        list: &ListDraft,
        with_draft: &Arc<OrganizationSnapshot>,
        cooldowns: &Cooldowns,
        problems: &Problems,
    ) -> Result<ListView> {
        let preview = preview(with_draft, &self.model, list, cooldowns)?;
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
            preview,
            problem: problems.get(list.kind.as_str()).map(str::to_owned),
        })
    }

    fn entry(&self, name: &str) -> Entry {
        let model = self.organization.models.get(name);
        Entry {
            name: name.to_owned(),
            provider: model.map_or_else(
                || "not in the catalog anymore".to_owned(),
                |model| model.provider.name.to_string(),
            ),
        }
    }

    fn choices(&self, list: &ListDraft) -> Vec<Choice> {
        let others = self.organization.models.values();
        let fits = |other: &&Arc<ModelEntry>| {
            other.id != self.model.id
                && other.settings.kind == self.model.settings.kind
                && !list.models.iter().any(|name| **name == *other.name)
        };
        let mut others: Vec<_> = others.filter(fits).collect();
        others.sort_by_key(|other| other.name.clone());
        others.into_iter().map(|other| Choice::new(&other.name, &with_price(&other.name, other))).collect()
    }

    /// Builds the page for a draft.
    ///
    /// # Errors
    /// The chain cannot be evaluated.
    pub(crate) fn page(self, draft: &Draft, notices: Notices, cooldowns: &Cooldowns) -> Result<Page> {
        let with_draft = with_draft(&self.organization, &self.model, draft);
        let view = |list: &ListDraft| self.list(list, &with_draft, cooldowns, &notices.problems);
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
