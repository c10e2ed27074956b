//! What providers store of a conversation: what the request refers to, and the mark with which the ids of an answer name their
//! provider.

use super::ChatRequest;
use crate::dialects::Dialect;
use crate::dialects::responses::stored;
use crate::gateway::request::stored_state::StoredState;
use crate::store::snapshot::ModelEntry;

impl ChatRequest {
    /// What the request refers to that one provider stores, read once.
    pub(in crate::gateway::request) fn stored_state(&self) -> &StoredState {
        self.stored_state.get_or_init(|| {
            let members = self.parts.iter().map(|part| (part.name.as_str(), self.value(part)));
            match self.dialect {
                Dialect::Responses => StoredState::read(members),
                Dialect::ChatCompletions => StoredState::of_chat(members),
                Dialect::Messages => StoredState::of_messages(members),
                Dialect::Gemini | Dialect::Converse => StoredState::default(),
            }
        })
    }

    /// The mark for the ids of what the provider of a model stores of the answer. `None` if it stores nothing.
    #[must_use]
    pub fn mark_of(&self, model: &ModelEntry) -> Option<String> {
        let is_unwanted =
            || self.parts.iter().any(|part| part.name == "store" && self.value(part) == b"false");
        let is_stored = self.dialect == Dialect::Responses && self.is_spoken_by(model) && !is_unwanted();
        is_stored.then(|| stored::mark(model.provider.id.0))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use entity::ids::ProviderId;
    use uuid::Uuid;

    use super::*;
    use crate::dialects::need::Need;

    const FIRST: ProviderId = ProviderId(Uuid::from_u128(1));
    const SECOND: ProviderId = ProviderId(Uuid::from_u128(2));

    /// What the two providers lack for a request with a first model of the first one.
    fn lacking(members: &str) -> [Option<Need>; 2] {
        let body = format!(r#"{{"model":"m",{members}}}"#);
        let request = ChatRequest::parse_as(Dialect::Responses, Bytes::from(body)).expect(members);
        let state = request.stored_state();
        [FIRST, SECOND].map(|provider| state.lacking(provider, Some(FIRST), None))
    }

    #[test]
    fn chats_and_messages_are_for_the_provider_of_their_files() {
        let state = Some(Need::StoredState);
        for (dialect, members, expected) in [
            (
                Dialect::ChatCompletions,
                r#""messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}]"#,
                [None, state],
            ),
            (
                Dialect::ChatCompletions,
                r#""messages":[{"role":"assistant","audio":{"id":"a"}}]"#,
                [None, state],
            ),
            (
                Dialect::ChatCompletions,
                r#""messages":[],"tools":[{"type":"file_search","vector_store_ids":["v"]}]"#,
                [None, state],
            ),
            (
                Dialect::ChatCompletions,
                r#""messages":[{"role":"user","content":"Hi"}],"metadata":{"file_id":"f"}"#,
                [None, None],
            ),
            (
                Dialect::Messages,
                r#""max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]"#,
                [None, state],
            ),
            (Dialect::Messages, r#""max_tokens":9,"messages":[],"container":"container_1""#, [None, state]),
            (Dialect::Messages, r#""max_tokens":9,"messages":[],"container":{"skills":[]}"#, [None, None]),
        ] {
            let body = format!(r#"{{"model":"m",{members}}}"#);
            let request = ChatRequest::parse_as(dialect, Bytes::from(body)).expect(members);
            let lacks = |provider| request.stored_state().lacking(provider, Some(FIRST), None);
            assert_eq!([FIRST, SECOND].map(lacks), expected, "{members}");
        }
    }

    #[test]
    fn a_message_continues_a_thread_or_does_not() {
        for (thread, expected) in [
            (r#"{"type":"continue","previous_message_id":"msg_1"}"#, true),
            (r#"{ "previous_message_id" : "msg_1", "type" : "c\u006fntinue" }"#, true),
            (r#"{"type":"create"}"#, false),
            ("null", false),
            ("7", false),
        ] {
            let body = format!(
                r#"{{"model":"m","thread":{thread},"input":"Hi","messages":[{{"role":"user","content":"Hi"}}]}}"#
            );
            let request = |dialect| {
                let body = Bytes::from(body.clone());
                ChatRequest::parse_as(dialect, body).map(|request| request.stored_state().continues_thread())
            };
            assert_eq!(request(Dialect::Messages).expect(thread), expected, "{thread}");
            assert!(!request(Dialect::Responses).expect(thread), "{thread}");
        }
    }

    #[test]
    fn a_request_is_for_the_provider_that_stores_what_it_refers_to() {
        let marked = |own: &str, provider: ProviderId| format!("{own}{}", stored::mark(provider.0));
        let of_second = marked("resp_1", SECOND);
        let item = |id: &str| format!(r#"{{"type":"item_reference","id":"{id}"}}"#);
        let (previous, state) = (Some(Need::PreviousResponse), Some(Need::StoredState));
        for (members, expected) in [
            (r#""input":"Hi""#.to_owned(), [None, None]),
            (format!(r#""previous_response_id":"{of_second}""#), [previous, None]),
            (r#""previous_response_id":"resp_1""#.to_owned(), [previous, previous]),
            (r#""previous_response_id":null"#.to_owned(), [None, None]),
            (format!(r#""input":[{}]"#, item(&marked("msg_1", SECOND))), [state, None]),
            (
                format!(r#""input":[{},{}]"#, item(&marked("a", FIRST)), item(&marked("b", SECOND))),
                [state, state],
            ),
            (format!(r#""input":[{}]"#, item("msg_1")), [None, state]),
            (r#""input":[{"id":"rs_1"}]"#.to_owned(), [None, state]),
            (format!(r#""input":[{{"id":"{}"}}]"#, marked("rs_1", SECOND)), [state, None]),
            (
                format!(
                    r#""input":[{{"type":"mcp_approval_response","approval_request_id":"{}","approve":true}}]"#,
                    marked("mcpr_1", SECOND)
                ),
                [state, None],
            ),
            (r#""conversation":"conv_1""#.to_owned(), [None, state]),
            (r#""conversation":null,"prompt":null"#.to_owned(), [None, None]),
            (r#""prompt":{"id":"pmpt_1"}"#.to_owned(), [None, state]),
            (
                r#""input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]"#.to_owned(),
                [None, state],
            ),
            (
                format!(
                    r#""previous_response_id":"{of_second}","tools":[{{"type":"file_search","vector_store_ids":["v"]}}]"#
                ),
                [previous, None],
            ),
        ] {
            assert_eq!(lacking(&members), expected, "{members}");
        }
    }
}
