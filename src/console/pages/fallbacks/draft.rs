//! The unsaved state of a model's three lists, kept only in the form.

use crate::console::http::forms::{Fields, Problems};
use crate::console::pages::fallbacks::labels::{title, triggers};
use crate::domain::fallback_type::FallbackType;
use crate::gateway::request::chat_request::MAX_LIST;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{FallbackRevision, FallbackRow};

/// The three lists, in display order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draft(pub(crate) [ListDraft; 3]);

/// One list of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListDraft {
    pub(crate) kind: FallbackType,
    /// Model names in order; an empty list means that there is no list.
    pub(crate) models: Vec<String>,
    /// Error classes that use the list, in their usual order; empty means all.
    pub(crate) triggers: Vec<String>,
    /// The revision that the draft is based on; `None` if there was no list.
    pub(crate) revision: Option<i64>,
}

/// The action of a pressed button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Show the preview only.
    Preview,
    /// Move an entry up or down.
    Move { kind: FallbackType, place: usize, up: bool },
    /// Remove an entry from a list.
    Remove { kind: FallbackType, model: String },
    /// Append the chosen model.
    Add(FallbackType),
    /// Remove all entries of a list.
    Clear(FallbackType),
    /// Save, with or without confirmation of deletions.
    Save { confirmed: bool },
}

impl Command {
    /// The button that was pressed.
    pub(crate) fn read(fields: &Fields) -> Self {
        let kind = |name: &str| FallbackType::parse(fields.text(name));
        if fields.flag("save") {
            return Self::Save { confirmed: fields.text("save") == "confirmed" };
        }
        let moved = || {
            let (way, rest) = fields.text("move").split_once(':')?;
            let (kind, place) = rest.split_once(':')?;
            Some(Self::Move { kind: FallbackType::parse(kind)?, place: place.parse().ok()?, up: way == "up" })
        };
        let removed = || {
            let (kind, model) = fields.text("remove").split_once(':')?;
            Some(Self::Remove { kind: FallbackType::parse(kind)?, model: model.to_owned() })
        };
        moved()
            .or_else(removed)
            .or_else(|| kind("add").map(Self::Add))
            .or_else(|| kind("clear").map(Self::Clear))
            .unwrap_or(Self::Preview)
    }
}

impl Draft {
    fn of(list: impl Fn(FallbackType) -> ListDraft) -> Self {
        Self(FallbackType::ALL.map(list))
    }

    /// The lists as saved.
    pub(crate) fn in_force(rows: &[FallbackRow]) -> Self {
        Self::of(|kind| ListDraft::in_force(kind, rows))
    }

    /// The lists in the form, ordered by the typed positions.
    pub(crate) fn read(fields: &Fields) -> Self {
        let texts = |name: &str| fields.list(name).into_iter().map(str::to_owned).collect();
        Self::of(|kind| ListDraft {
            kind,
            models: ordered_by_position(
                texts(kind.as_str()),
                &fields.list(&format!("position_{}", kind.as_str())),
            ),
            triggers: ordered(&fields.list(&format!("triggers_{}", kind.as_str()))),
            revision: fields.text(&format!("revision_{}", kind.as_str())).parse().ok(),
        })
    }

    fn list(&mut self, kind: FallbackType) -> Option<&mut ListDraft> {
        self.0.iter_mut().find(|list| list.kind == kind)
    }

    /// Applies the command. A model that was chosen but not added is added on save.
    pub(crate) fn follow(&mut self, command: &Command, fields: &Fields) {
        let chosen = |kind: FallbackType| fields.text(&format!("new_{}", kind.as_str())).to_owned();
        match command {
            Command::Preview => {}
            Command::Move { kind, place, up } => {
                if let Some(list) = self.list(*kind) {
                    list.shift(*place, *up);
                }
            }
            Command::Remove { kind, model } => {
                if let Some(list) = self.list(*kind) {
                    list.models.retain(|name| name != model);
                }
            }
            Command::Add(kind) => {
                if let Some(list) = self.list(*kind) {
                    list.add(chosen(*kind));
                }
            }
            Command::Clear(kind) => {
                if let Some(list) = self.list(*kind) {
                    list.models.clear();
                }
            }
            Command::Save { .. } => self.0.iter_mut().for_each(|list| list.add(chosen(list.kind))),
        }
    }

    /// The problems of the draft.
    pub(crate) fn problems(&self, model: &str, organization: &OrganizationSnapshot) -> Problems {
        let mut problems = Problems::default();
        for list in &self.0 {
            if let Some(problem) = list.problem(model, organization) {
                problems.add(list.kind.as_str(), problem);
            }
        }
        problems
    }

    /// Takes over changes by others to lists that this draft did not change. Returns the lists that both changed; they
    /// are rebased on the current revision.
    pub(crate) fn rebase(&mut self, rows: &[FallbackRow], history: &[FallbackRevision]) -> Vec<FallbackType> {
        let mut conflicts = Vec::new();
        for list in &mut self.0 {
            let now = ListDraft::in_force(list.kind, rows);
            if list.revision == now.revision || !list.differs(&now) {
                list.revision = now.revision;
            } else if !list.differs(&ListDraft::at(list.kind, list.revision, history)) {
                *list = now;
            } else {
                list.revision = now.revision;
                conflicts.push(list.kind);
            }
        }
        conflicts
    }

    /// The lists that differ from the saved ones.
    pub(crate) fn changed<'a>(&'a self, rows: &'a [FallbackRow]) -> impl Iterator<Item = &'a ListDraft> {
        self.0.iter().filter(|list| list.differs(&ListDraft::in_force(list.kind, rows)))
    }
}

impl ListDraft {
    fn in_force(kind: FallbackType, rows: &[FallbackRow]) -> Self {
        let row = rows.iter().find(|row| row.fallback_type == kind);
        let triggers = row.and_then(|row| row.triggers.as_deref()).unwrap_or_default();
        Self {
            kind,
            models: row.map(|row| row.fallback_models.clone()).unwrap_or_default(),
            triggers: ordered(triggers),
            revision: row.map(|row| row.revision),
        }
    }

    /// The list at that revision; empty before the first one. An unknown revision equals nothing.
    fn at(kind: FallbackType, revision: Option<i64>, history: &[FallbackRevision]) -> Self {
        let known = history.iter().find(|old| old.fallback_type == kind && Some(old.number) == revision);
        let unknown = vec![String::new(); usize::from(revision.is_some())];
        Self {
            kind,
            models: known.map_or(unknown, |old| old.fallback_models.clone()),
            triggers: ordered(known.and_then(|old| old.triggers.as_deref()).unwrap_or_default()),
            revision,
        }
    }

    /// Whether the content differs. A list without models has no content, regardless of its triggers.
    fn differs(&self, other: &Self) -> bool {
        self.models != other.models || (!self.models.is_empty() && self.triggers != other.triggers)
    }

    /// The triggers as the store expects them.
    pub(crate) fn stored_triggers(&self) -> Option<Vec<String>> {
        (!self.triggers.is_empty()).then(|| self.triggers.clone())
    }

    fn add(&mut self, model: String) {
        if !model.is_empty() && !self.models.contains(&model) {
            self.models.push(model);
        }
    }

    /// Moves the entry at `place`, which counts from 1.
    fn shift(&mut self, place: usize, up: bool) {
        let neighbor = if up { place.checked_sub(1) } else { place.checked_add(1) };
        let within = 1..=self.models.len();
        if let Some(neighbor) =
            neighbor.filter(|neighbor| within.contains(&place) && within.contains(neighbor))
        {
            self.models.swap(place - 1, neighbor - 1);
        }
    }

    fn problem(&self, model: &str, organization: &OrganizationSnapshot) -> Option<String> {
        let title = title(self.kind);
        if let Some(gone) = self.models.iter().find(|name| !organization.models.contains_key(*name)) {
            return Some(format!(
                "{title}: the model '{gone}' is not in the catalog. Remove it from the list."
            ));
        }
        if self.models.iter().any(|name| name == model) {
            return Some(format!("{title}: {model} cannot be its own fallback. Remove it from the list."));
        }
        let kind = |name: &str| organization.models.get(name).map(|model| model.settings.kind);
        let mut kinds = self.models.iter().filter_map(|name| Some((name, kind(name)?)));
        if let Some((other, of)) = kinds.find(|(_, of)| Some(*of) != kind(model)) {
            return Some(format!(
                "{title}: {other} is {}, which cannot serve the requests of {model}. Remove it from the list.",
                of.title()
            ));
        }
        let twice = self.models.iter().enumerate().find(|(at, name)| self.models[..*at].contains(name));
        if let Some((_, twice)) = twice {
            return Some(format!("{title}: '{twice}' is in the list twice. Remove one of them."));
        }
        let most = MAX_LIST;
        (self.models.len() > most)
            .then(|| format!("{title}: a list holds at most {most} models. Remove some."))
    }
}

/// The known classes among these words, without duplicates, in their usual order.
fn ordered(words: &[impl AsRef<str>]) -> Vec<String> {
    let named = |class: &crate::domain::failure::class::ErrorClass| {
        words.iter().any(|word| word.as_ref() == class.as_str())
    };
    triggers().filter(named).map(|class| class.as_str().to_owned()).collect()
}

/// The models ordered by the typed positions; entries with an unchanged position keep their order.
fn ordered_by_position(models: Vec<String>, places: &[&str]) -> Vec<String> {
    let wanted = |at: usize| {
        let place: usize = places.get(at)?.trim().parse().ok()?;
        (place != at + 1).then_some(place.max(1))
    };
    let (mut moved, mut rest) = (Vec::new(), Vec::new());
    for (at, model) in models.into_iter().enumerate() {
        match wanted(at) {
            Some(place) => moved.push((place, model)),
            None => rest.push(model),
        }
    }
    moved.sort_by_key(|(place, _)| *place);
    for (place, model) in moved {
        rest.insert((place - 1).min(rest.len()), model);
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn a_typed_position_moves_only_its_model() {
        for (typed, expected) in [
            (["1", "2", "3", "4"], "abcd"),
            (["1", "2", "3", "1"], "dabc"),
            (["4", "2", "3", "4"], "bcda"),
            (["99", "2", "x", "0"], "dbca"),
            (["2", "1", "3", "4"], "bacd"),
        ] {
            assert_eq!(ordered_by_position(names("abcd"), &typed), names(expected), "{typed:?}");
        }
        assert_eq!(ordered_by_position(names("ab"), &[]), names("ab"));
    }

    #[test]
    fn a_model_moves_one_place_and_not_past_the_ends() {
        let list = |models| ListDraft {
            kind: FallbackType::General,
            models: names(models),
            triggers: Vec::new(),
            revision: None,
        };
        for (place, up, expected) in [
            (2, true, "bac"),
            (2, false, "acb"),
            (1, true, "abc"),
            (3, false, "abc"),
            (0, false, "abc"),
            (9, true, "abc"),
        ] {
            let mut moved = list("abc");
            moved.shift(place, up);
            assert_eq!(moved.models, names(expected), "{place} {up}");
        }
    }

    #[test]
    fn triggers_are_known_classes_in_a_fixed_order() {
        assert_eq!(ordered(&["timeout", "nonsense", "rate_limited", "timeout"]), ["rate_limited", "timeout"]);
    }
}
