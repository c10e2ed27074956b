//! The revision history as table rows: who, when, and the differences from the previous revision.

use crate::console::components::status_badge::{StatusBadge, reason};
use crate::console::components::timestamp::Timestamp;
use crate::console::pages::fallbacks::labels::title;
use crate::store::{FallbackRevision, FallbackRow};

/// One revision of a list.
pub(crate) struct RevisionLine {
    /// Value of the list's type.
    pub(crate) kind: &'static str,
    /// Title of the list.
    pub(crate) title: &'static str,
    pub(crate) number: i64,
    pub(crate) actor: String,
    pub(crate) at: Timestamp,
    /// The changes that it made.
    pub(crate) changes: Vec<StatusBadge>,
    /// The models of the list; empty if it was deleted.
    pub(crate) models: Vec<String>,
    pub(crate) in_force: bool,
    /// The current revision of the list, which restoring replaces; 0 if there is none.
    pub(crate) current: i64,
}

/// The table rows, newest first.
pub(crate) fn lines(history: &[FallbackRevision], rows: &[FallbackRow]) -> Vec<RevisionLine> {
    let line = |(at, revision): (usize, &FallbackRevision)| {
        let before = history[at + 1..].iter().find(|old| old.fallback_type == revision.fallback_type);
        let row = rows.iter().find(|row| row.fallback_type == revision.fallback_type);
        RevisionLine {
            kind: revision.fallback_type.as_str(),
            title: title(revision.fallback_type),
            number: revision.number,
            actor: revision.actor.clone(),
            at: Timestamp::from(revision.created_at),
            changes: changes(revision, before),
            models: revision.fallback_models.clone(),
            in_force: row.is_some_and(|row| row.revision == revision.number),
            current: row.map_or(0, |row| row.revision),
        }
    };
    history.iter().enumerate().map(line).collect()
}

fn mark(tone: &'static str, glyph: &'static str, word: impl Into<String>) -> StatusBadge {
    StatusBadge { tone, glyph, word: word.into() }
}

/// The changes of a revision compared with the previous one.
fn changes(revision: &FallbackRevision, before: Option<&FallbackRevision>) -> Vec<StatusBadge> {
    let new = &revision.fallback_models;
    let old = before.map(|old| old.fallback_models.as_slice()).unwrap_or_default();
    if new.is_empty() {
        return vec![mark("bad", "✕", "list deleted")];
    }
    let added = new.iter().filter(|name| !old.contains(name)).map(|name| mark("good", "+", name));
    let removed = old.iter().filter(|name| !new.contains(name)).map(|name| mark("bad", "−", name));
    let mut changes: Vec<StatusBadge> = added.chain(removed).collect();
    let stayed = |these: &[String], others: &[String]| -> Vec<String> {
        these.iter().filter(|name| others.contains(name)).cloned().collect()
    };
    if stayed(new, old) != stayed(old, new) {
        changes.push(mark("soft", "↕", format!("now {}", new.join(", "))));
    }
    let narrowed = |triggers: Option<&Vec<String>>| match triggers {
        Some(words) => words.iter().map(|word| reason(word)).collect::<Vec<_>>().join(", "),
        None => "any failure".to_owned(),
    };
    let after = revision.triggers.as_ref();
    if after != before.and_then(|old| old.triggers.as_ref()) {
        changes.push(mark("soft", "⚑", format!("after {}", narrowed(after))));
    }
    changes
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::domain::fallback_type::FallbackType;

    fn revision(models: &[&str], triggers: Option<&[&str]>) -> FallbackRevision {
        let texts = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        FallbackRevision {
            fallback_type: FallbackType::General,
            number: 1,
            fallback_models: texts(models),
            triggers: triggers.map(texts),
            actor: "ada".to_owned(),
            created_at: DateTime::<Utc>::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_revision_lists_additions_removals_and_moves() {
        let describe = |new: &FallbackRevision, old: Option<&FallbackRevision>| -> Vec<String> {
            changes(new, old).into_iter().map(|mark| format!("{} {}", mark.glyph, mark.word)).collect()
        };
        let first = revision(&["a", "b"], None);
        assert_eq!(describe(&first, None), ["+ a", "+ b"]);
        let second = revision(&["c", "b", "a"], Some(&["timeout"]));
        assert_eq!(describe(&second, Some(&first)), ["+ c", "↕ now c, b, a", "⚑ after Timed out"]);
        assert_eq!(describe(&revision(&["b"], None), Some(&first)), ["− a"]);
        assert_eq!(describe(&revision(&[], None), Some(&first)), ["✕ list deleted"]);
    }
}
