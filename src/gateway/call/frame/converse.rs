//! Inspects a whole answer of Converse, which is always translated.

use super::whole::size_of_pieces;
use super::{Inspected, NoAnswer};
use crate::dialects::converse::answer::Answer;
use crate::dialects::messages::content::Blocks;
use crate::gateway::call::choices::{Choices, Part};
use crate::gateway::usage::pricing::of_converse;
use crate::gateway::usage::text_size::TextSize;
use crate::providers::error_instead_of_answer;

impl Inspected {
    /// Inspects a whole answer, without the size of its content.
    pub(super) fn of_conversed(text: &[u8]) -> Result<Self, NoAnswer> {
        let answer = Answer::read(text).ok_or(NoAnswer::Broken)?;
        if !answer.has_message() {
            // Proxies in front of a vendor send errors with a status of success.
            return match error_instead_of_answer(text) {
                Some(error) => Err(NoAnswer::Error(Box::new(error))),
                None => Ok(Self::default()),
            };
        }
        let Blocks { content, unnamed, vendors_calls, broken } = answer.blocks();
        let end = answer.end();
        let part = Part {
            content,
            unnamed,
            // The usage counts those that are billed apart.
            extras: vendors_calls && answer.usage.is_none(),
            end: end.as_deref(),
            ..Part::default()
        };
        let choices = if broken { Choices::default() } else { Choices::of_message(part) };
        Ok(Self {
            choices,
            chosen: choices.any,
            usage: answer.usage.map(|usage| of_converse(usage, answer.tier())).unwrap_or_default(),
            // The field belongs to completions.
            fingerprint: true,
            members: 1,
            ..Self::default()
        })
    }
}

/// The size of a whole answer's content.
pub(super) fn size(text: &[u8]) -> TextSize {
    size_of_pieces(Answer::read(text).map(|answer| answer.pieces()).unwrap_or_default())
}
