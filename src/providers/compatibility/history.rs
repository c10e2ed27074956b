//! Members of the messages in a history that a vendor's error refuses: those that other vendors add to their answers.

use super::optional::{Parameters, names_of_messages};
use super::refusal::names;
use crate::providers::errors::UpstreamError;

/// The member that holds a part of the conversation, which is left out only if it is refused itself.
const SOUND: &str = "audio";

/// The members that an error names.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Named {
    /// All that it names.
    pub(super) all: Parameters,
    /// Those of them of which only something inside is refused.
    pub(super) inside: Parameters,
}

/// The members of messages in `sent` that the error names: with their path (`messages[1].reasoning_content`,
/// `messages.1.assistant.reasoning`, `messages[1].tool_calls[0].index`), or by their name alone, if that is none of the
/// request's own parameters.
pub(super) fn named(error: &UpstreamError, sent: Parameters) -> Named {
    let present = sent.in_messages();
    if present.is_empty() {
        return Named::default();
    }
    let param = error.param.as_deref().unwrap_or_default();
    let says_messages = [param, error.message.as_str()].iter().any(|text| text.contains("messages"));
    let paths: Vec<Vec<&str>> = paths(param).chain(paths(&error.message)).collect();
    let mut found = Named::default();
    for name in names_of_messages().filter(|name| present.has_of_messages(name)) {
        let own = Parameters::of_messages([name]);
        let rests = || paths.iter().filter_map(|path| rest_after(path, name));
        let by_path = rests().next().is_some();
        let is_parameter = param == name || sent.contains(name);
        let by_name = || names(&error.message, name) && (says_messages || !is_parameter);
        if by_path || by_name() {
            found.all = found.all.with(own);
        }
        if by_path && rests().all(|rest| rest.iter().any(|segment| !is_index(segment))) {
            found.inside = found.inside.with(own);
        }
    }
    found
}

/// What a call without the named members leaves out as well.
pub(super) fn alike(sent: Parameters) -> Parameters {
    sent.in_messages().without(Parameters::of_messages([SOUND]))
}

/// The paths into the messages that a text names, each without its beginning.
fn paths(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let in_path = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '[' | ']');
    text.split(move |letter| !in_path(letter)).filter_map(|token| {
        let mut segments = token.split(['.', '[', ']']).filter(|segment| !segment.is_empty());
        segments.find(|segment| *segment == "messages")?;
        Some(segments.collect())
    })
}

/// The segments of a path after this one. `None` if it has no such segment.
fn rest_after<'p, 't>(path: &'p [&'t str], name: &str) -> Option<&'p [&'t str]> {
    let at = path.iter().position(|segment| *segment == name)?;
    path.get(at + 1..)
}

fn is_index(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii_digit())
}
