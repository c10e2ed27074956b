//! What becomes of the members of a request that is translated.

use serde::Deserialize;

use super::change::{Changes, Verb};
use super::members::Members;
use super::need::Need;

/// What becomes of a member.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// The reader of the dialect reads it.
    Read,
    /// It is left out, because it changes little and the other dialect has nothing like it.
    Dropped,
    /// The request needs it, so a candidate without it cannot serve the request.
    Needed(Need),
}

/// Checks every member by the table of its dialect. A member that is not in it is left out.
///
/// # Errors
/// The request needs something that the other dialect lacks.
pub fn check(members: &Members<'_>, table: &[(&str, Fate)], changes: &mut Changes) -> Result<(), Need> {
    for name in members.names() {
        match table.iter().find(|(known, _)| *known == name) {
            Some((_, Fate::Read)) => {}
            Some((_, Fate::Needed(need))) if asks(members, name) || is_switched_on(members, name) => {
                return Err(*need);
            }
            Some((_, Fate::Needed(_))) => {}
            Some((known, Fate::Dropped)) => changes.note(Verb::Dropped, known),
            // Names that are not known come from the caller and are not repeated.
            None => changes.note(Verb::Dropped, "member"),
        }
    }
    Ok(())
}

/// Names the members of an object inside of a request that its reader leaves out. `read` are those that it does not.
pub fn strip(members: &Members<'_>, read: &[&str], changes: &mut Changes) {
    for name in members.names().filter(|name| !read.contains(name) && asks(members, name)) {
        changes.stripped(name);
    }
}

/// The value of a member; `None` if it is absent.
///
/// # Errors
/// It is of another type, and `fault` says which one it must have.
pub fn typed<'a, T: Deserialize<'a>>(
    members: &Members<'a>,
    name: &str,
    fault: Need,
) -> Result<Option<T>, Need> {
    members.raw(name).map(|value| serde_json::from_str(value.get()).map_err(|_| fault)).transpose()
}

/// Whether a member asks for anything: an empty list or `false` does not.
fn asks(members: &Members<'_>, name: &str) -> bool {
    let value = members.raw(name).map(|value| value.get());
    !matches!(value, None | Some("false" | "[]" | "{}" | "0" | "\"\""))
}

/// Whether a member is an empty object, which asks for a feature with its defaults: `"web_search_options": {}`.
fn is_switched_on(members: &Members<'_>, name: &str) -> bool {
    members.raw(name).is_some_and(|value| value.get() == "{}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_leaves_out_of_an_object_is_named() {
        let body =
            r#"{"type":"text","detail":"low","cache_control":{},"annotations":[],"secret":1,"name":null}"#;
        let members: Members<'_> = serde_json::from_str(body).expect(body);
        let mut changes = Changes::default();
        strip(&members, &["type"], &mut changes);
        assert_eq!(changes.into_names(), ["stripped:detail", "stripped:member"]);
        assert_eq!(typed(&members, "type", Need::Audio), Ok(Some("text".to_owned())));
        assert_eq!(typed::<String>(&members, "name", Need::Audio), Ok(None));
        assert_eq!(typed::<bool>(&members, "type", Need::Audio), Err(Need::Audio));
    }

    #[test]
    fn a_member_is_read_dropped_or_needed() {
        const TABLE: &[(&str, Fate)] =
            &[("a", Fate::Read), ("b", Fate::Dropped), ("c", Fate::Needed(Need::Audio))];
        for (body, expected) in [
            (r#"{"a":1}"#, Ok(vec![])),
            (r#"{"a":1,"b":2,"secret":3}"#, Ok(vec!["dropped:b".to_owned(), "dropped:member".to_owned()])),
            (r#"{"c":[]}"#, Ok(vec![])),
            (r#"{"c":false}"#, Ok(vec![])),
            (r#"{"c":null}"#, Ok(vec![])),
            (r#"{"c":[1]}"#, Err(Need::Audio)),
            (r#"{"c":{}}"#, Err(Need::Audio)),
        ] {
            let mut changes = Changes::default();
            let members: Members<'_> = serde_json::from_str(body).expect(body);
            let checked = check(&members, TABLE, &mut changes);
            assert_eq!(checked.map(|()| changes.into_names()), expected, "{body}");
        }
    }
}
