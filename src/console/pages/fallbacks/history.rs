//! What was in force before, as lines: who, when, and what was different from the revision before.

use crate::console::components::status_badge::{Mark, reason};
use crate::console::components::timestamp::Moment;
use crate::console::pages::fallbacks::labels::title;
use crate::store::{FallbackRevision, FallbackRow};

/// One revision.
pub(crate) struct RevisionLine {
    /// The type's word.
    pub(crate) kind: &'static str,
    /// The type's title.
    pub(crate) title: &'static str,
    pub(crate) number: i64,
    pub(crate) actor: String,
    pub(crate) at: Moment,
    /// What it changed.
    pub(crate) changes: Vec<Mark>,
    /// The whole list; none: it was deleted.
    pub(crate) models: Vec<String>,
    pub(crate) in_force: bool,
    /// The revision in force of that list, which going back replaces; 0 if nothing is.
    pub(crate) current: i64,
}

/// The lines, newest first.
pub(crate) fn lines(history: &[FallbackRevision], rows: &[FallbackRow]) -> Vec<RevisionLine> {
    let line = |(at, revision): (usize, &FallbackRevision)| {
        let before = history[at + 1..].iter().find(|old| old.fallback_type == revision.fallback_type);
        let row = rows.iter().find(|row| row.fallback_type == revision.fallback_type);
        RevisionLine {
            kind: revision.fallback_type.as_str(),
            title: title(revision.fallback_type),
            number: revision.number,
            actor: revision.actor.clone(),
            at: Moment::from(revision.created_at),
            changes: changes(revision, before),
            models: revision.fallback_models.clone(),
            in_force: row.is_some_and(|row| row.revision == revision.number),
            current: row.map_or(0, |row| row.revision),
        }
    };
    history.iter().enumerate().map(line).collect()
}

fn mark(tone: &'static str, glyph: &'static str, word: impl Into<String>) -> Mark {
    Mark { tone, glyph, word: word.into() }
}

/// What a revision changed, compared with the one before it.
fn changes(revision: &FallbackRevision, before: Option<&FallbackRevision>) -> Vec<Mark> {
    let new = &revision.fallback_models;
    let old = before.map(|old| old.fallback_models.as_slice()).unwrap_or_default();
    if new.is_empty() {
        return vec![mark("bad", "✕", "list deleted")];
    }
    let added = new.iter().filter(|name| !old.contains(name)).map(|name| mark("good", "+", name));
    let removed = old.iter().filter(|name| !new.contains(name)).map(|name| mark("bad", "−", name));
    let mut changes: Vec<Mark> = added.chain(removed).collect();
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
    fn a_change_is_told_by_what_came_what_went_and_what_moved() {
        let told = |new: &FallbackRevision, old: Option<&FallbackRevision>| -> Vec<String> {
            changes(new, old).into_iter().map(|mark| format!("{} {}", mark.glyph, mark.word)).collect()
        };
        let first = revision(&["a", "b"], None);
        assert_eq!(told(&first, None), ["+ a", "+ b"]);
        let second = revision(&["c", "b", "a"], Some(&["timeout"]));
        assert_eq!(told(&second, Some(&first)), ["+ c", "↕ now c, b, a", "⚑ after Timed out"]);
        assert_eq!(told(&revision(&["b"], None), Some(&first)), ["− a"]);
        assert_eq!(told(&revision(&[], None), Some(&first)), ["✕ list deleted"]);
    }
}
