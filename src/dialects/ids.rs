//! Ids of answers and of calls in the form that Anthropic accepts.

/// The letters of the beginning of an alias that come from the id itself.
const KEPT: usize = 40;

/// An alias of an id of a call that has characters besides letters, digits, `_` and `-`, or none. The same id always has the
/// same alias. `None` if the id can stay.
#[must_use]
pub fn alias_of_call(id: &str) -> Option<String> {
    if !id.is_empty() && id.bytes().all(is_plain) {
        return None;
    }
    let start: String =
        id.chars().filter(|letter| letter.is_ascii() && is_plain(*letter as u8)).take(KEPT).collect();
    Some(format!(
        "call_{:08x}{}{start}",
        crc32fast::hash(id.as_bytes()),
        if start.is_empty() { "" } else { "_" }
    ))
}

/// The id of a message, made of the id that another dialect gave it.
#[must_use]
pub fn of_message(id: &str) -> String {
    of("msg_", id)
}

/// The id of a completion, made of the id that another dialect gave it.
#[must_use]
pub fn of_completion(id: &str) -> String {
    of("chatcmpl-", id)
}

fn of(prefix: &str, id: &str) -> String {
    if id.starts_with(prefix) && id.bytes().all(is_plain) {
        return id.to_owned();
    }
    let plain: String = id.chars().filter(|letter| letter.is_ascii() && is_plain(*letter as u8)).collect();
    [prefix, &plain].concat()
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_foreign_ids_get_an_alias() {
        for own in ["toolu_01", "call_abc-DEF", "x"] {
            assert_eq!(alias_of_call(own), None);
        }
        let foreign = ["functions.bash:0", "functions.bash:1", "functions.bash_0", "é", "", "a b"];
        let aliases: Vec<String> = foreign.iter().map(|id| alias_of_call(id).expect(id)).collect();
        for (id, alias) in foreign.iter().zip(&aliases) {
            assert!(alias.bytes().all(is_plain), "{alias}");
            assert_eq!(alias_of_call(id).as_ref(), Some(alias));
            assert_eq!(aliases.iter().filter(|other| *other == alias).count(), 1, "{alias}");
        }
    }

    #[test]
    fn an_id_keeps_what_its_form_allows() {
        assert_eq!(of_message("chatcmpl-1.2"), "msg_chatcmpl-12");
        assert_eq!(of_message("msg_1"), "msg_1");
        assert_eq!(of_completion("msg_1"), "chatcmpl-msg_1");
    }
}
