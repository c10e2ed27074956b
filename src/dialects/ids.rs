//! Ids of answers and of calls: in the form that Anthropic accepts, and no two calls alike.

use std::collections::{HashMap, HashSet, VecDeque};

/// The letters of the beginning of an alias that come from the id itself.
const KEPT: usize = 40;

/// An alias of an id of a call that has characters besides letters, digits, `_` and `-`, or none. The same id always has the
/// same alias. `None` if the id can stay.
#[must_use]
pub fn alias_of_call(id: &str) -> Option<String> {
    (id.is_empty() || !id.bytes().all(is_plain)).then(|| alias(id))
}

/// Like [`alias_of_call`], and also of an id that is longer than `most`, which is at least 64.
#[must_use]
pub fn short_alias_of_call(id: &str, most: usize) -> Option<String> {
    alias_of_call(id).or_else(|| (id.len() > most).then(|| alias(id)))
}

fn alias(id: &str) -> String {
    let start: String =
        id.chars().filter(|letter| letter.is_ascii() && is_plain(*letter as u8)).take(KEPT).collect();
    let underscore = if start.is_empty() { "" } else { "_" };
    format!("call_{:08x}{underscore}{start}", crc32fast::hash(id.as_bytes()))
}

/// The beginning of the random ids of calls.
const RANDOM: &str = "call_";

/// Whether an id of a call may be one that [`OfAnswer`] made, in place of one of the provider.
#[must_use]
pub fn may_be_random(id: &str) -> bool {
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    id.strip_prefix(RANDOM).is_some_and(|rest| rest.len() == 32 && rest.bytes().all(is_hex))
}

/// The ids of the calls of an answer so far. Clients match results to calls by them, so no two may be alike.
#[derive(Debug, Default)]
pub struct OfAnswer(HashSet<String>);

impl OfAnswer {
    /// The id of the next call: its provider's own, unless that is absent, empty or the id of an earlier call. Another one
    /// is random, because a provider without ids of calls may give all its answers the same id, too.
    pub fn give(&mut self, own: Option<String>) -> String {
        let own = own.filter(|id| !id.is_empty() && !self.0.contains(id));
        let id = own.unwrap_or_else(|| format!("{RANDOM}{:032x}", rand::random::<u128>()));
        self.0.insert(id.clone());
        id
    }
}

/// The ids of the calls of a conversation so far. The same conversation always gets the same ids, so that it stays in the
/// provider's cache.
#[derive(Debug, Default)]
pub struct OfConversation {
    taken: HashSet<String>,
    /// The calls of each id in the last turn that has it.
    last: HashMap<String, SameId>,
    turn: usize,
}

/// The calls of a turn that had the same id.
#[derive(Debug, Default)]
struct SameId {
    turn: usize,
    /// The ids that they got; the last one stays after its result.
    given: VecDeque<String>,
}

impl OfConversation {
    /// Begins the next turn of the conversation.
    pub fn begin_turn(&mut self) {
        self.turn += 1;
    }

    /// The id of the next call. `None` means that its own stays.
    pub fn of_call(&mut self, own: &str) -> Option<String> {
        let id = if own.is_empty() || self.taken.contains(own) { self.other(own) } else { own.to_owned() };
        self.taken.insert(id.clone());
        let calls = self.last.entry(own.to_owned()).or_default();
        if calls.turn != self.turn {
            *calls = SameId { turn: self.turn, ..SameId::default() };
        }
        calls.given.push_back(id.clone());
        (id != own).then_some(id)
    }

    /// The id for the next result of a call that has this one. Results of calls with the same id come in their order.
    /// `None` means that it stays.
    pub fn of_result(&mut self, own: &str) -> Option<String> {
        let given = &mut self.last.get_mut(own)?.given;
        let id = if given.len() > 1 { given.pop_front() } else { given.front().cloned() };
        id.filter(|id| id != own)
    }

    /// An id that no call has.
    fn other(&self, own: &str) -> String {
        let hash = crc32fast::hash(own.as_bytes());
        let mut ids = (self.taken.len()..).map(|number| format!("call_{hash:08x}_{number}"));
        ids.find(|id| !self.taken.contains(id)).unwrap_or_default()
    }
}

/// The beginnings of the ids of answers, by which clients know a dialect.
const BEGINNINGS: [&str; 3] = ["chatcmpl-", "msg_", "resp_"];

/// The id of a message, made of the id that its provider gave the answer.
#[must_use]
pub fn of_message(id: &str) -> String {
    of("msg_", id)
}

/// The id of a completion, made of the id that its provider gave the answer.
#[must_use]
pub fn of_completion(id: &str) -> String {
    of("chatcmpl-", id)
}

/// The id of a response, made of the id that its provider gave the answer.
#[must_use]
pub fn of_response(id: &str) -> String {
    of("resp_", id)
}

/// An id that begins as those of its dialect do, and as those of no other one. It is random if its provider gave none: clients
/// take answers with the same id for the same answer.
fn of(beginning: &str, id: &str) -> String {
    let own = own_part(id);
    let own = if own.is_empty() { format!("{:032x}", rand::random::<u128>()) } else { own };
    [beginning, &own].concat()
}

/// The part of an id of an answer that is its own: without the beginnings of all dialects, and plain.
#[must_use]
pub fn own_part(id: &str) -> String {
    let mut own = id;
    while let Some(rest) = BEGINNINGS.iter().find_map(|beginning| own.strip_prefix(beginning)) {
        own = rest;
    }
    own.chars().filter(|letter| letter.is_ascii() && is_plain(*letter as u8)).collect()
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
    fn a_long_id_gets_an_alias_that_others_do_not_have() {
        let long = ["x".repeat(64), "y".repeat(65), format!("{}z", "y".repeat(64))];
        let aliases = long.each_ref().map(|id| short_alias_of_call(id, 64));
        assert!(aliases[0].is_none() && aliases[1] != aliases[2], "{aliases:?}");
        for alias in aliases.iter().flatten() {
            assert!(alias.len() <= 64 && alias_of_call(alias).is_none(), "{alias}");
        }
    }

    #[test]
    fn no_two_calls_of_an_answer_have_the_same_id() {
        let mut ids = OfAnswer::default();
        assert_eq!(ids.give(Some("t".to_owned())), "t");
        assert!(!may_be_random("t") && !may_be_random("call_Ghx7Kq0bVZ1mWc5tYsD2pRaE"));
        let mut given: Vec<String> =
            [Some("t"), Some(""), None].into_iter().map(|own| ids.give(own.map(str::to_owned))).collect();
        // Another answer of the same provider.
        given.push(OfAnswer::default().give(None));
        for id in &given {
            assert!(may_be_random(id) && alias_of_call(id).is_none(), "{id}");
            assert_eq!(given.iter().filter(|other| *other == id).count(), 1, "{given:?}");
        }
    }

    #[test]
    fn calls_of_a_conversation_get_ids_that_their_results_find() {
        let turns = || {
            let mut ids = OfConversation::default();
            let mut pairs = Vec::new();
            for turn in [&["a", "b"][..], &["a", "a", ""], &["", "call_e8b7be43_2"], &["a"]] {
                ids.begin_turn();
                let calls: Vec<String> =
                    turn.iter().map(|own| ids.of_call(own).unwrap_or_else(|| (*own).to_owned())).collect();
                ids.begin_turn();
                let results: Vec<String> =
                    turn.iter().map(|own| ids.of_result(own).unwrap_or_else(|| (*own).to_owned())).collect();
                assert_eq!(calls, results);
                pairs.extend(calls);
            }
            pairs
        };
        let ids = turns();
        assert_eq!(ids, turns());
        assert_eq!(ids.get(..2), Some(&["a".to_owned(), "b".to_owned()][..]));
        for id in &ids {
            assert!(alias_of_call(id).is_none(), "{id}");
            assert_eq!(ids.iter().filter(|other| *other == id).count(), 1, "{ids:?}");
        }
    }

    #[test]
    fn a_result_that_comes_twice_or_without_a_call_keeps_its_call() {
        let mut ids = OfConversation::default();
        assert_eq!(ids.of_result("x"), None);
        ids.begin_turn();
        assert_eq!((ids.of_call("x"), ids.of_result("x"), ids.of_result("x")), (None, None, None));
        // A call without a result does not take that of a later turn.
        ids.begin_turn();
        let other = ids.of_call("x");
        assert!(other.is_some());
        assert_eq!((ids.of_result("x"), ids.of_result("x")), (other.clone(), other));
    }

    #[test]
    fn an_id_of_an_answer_begins_as_those_of_one_dialect() {
        for (given, own) in [
            ("chatcmpl-1.2", "12"),
            ("msg_1", "1"),
            ("msg_bdrk_01-a", "bdrk_01-a"),
            ("resp_1", "1"),
            // Another gateway gave it two.
            ("chatcmpl-msg_1", "1"),
            ("gen-1", "gen-1"),
            ("é/1", "1"),
        ] {
            assert_eq!(of_message(given), format!("msg_{own}"), "{given}");
            assert_eq!(of_completion(given), format!("chatcmpl-{own}"), "{given}");
            assert_eq!(of_response(given), format!("resp_{own}"), "{given}");
        }
    }

    #[test]
    fn answers_without_an_id_get_different_ones() {
        for given in ["", "msg_", "é"] {
            let (one, other) = (of_completion(given), of_completion(given));
            assert!(one != other && one.len() == "chatcmpl-".len() + 32, "{given}: {one} {other}");
        }
    }
}
