//! Streams that are translated, however they are chunked and wherever they end.

use super::*;
use crate::gateway::call::translation::AnswerTranslation;

const CREATED: i64 = 1_700_000_000;

/// A caller of one dialect and a provider of the other one.
fn caller(dialect: Dialect) -> Expected {
    let body = r#"{"model":"m","max_tokens":1,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#;
    let request = ChatRequest::parse_as(dialect, Bytes::from_static(body.as_bytes())).expect(body);
    let sent = request.translated().expect("a translation");
    let translation = AnswerTranslation::between(&request, &sent, |_| 7).expect("two dialects");
    let names = || Names::new("ours", "house");
    Expected {
        dialect: dialect.other(),
        names: names(),
        include_usage: true,
        translation: Some(translation.stream(names(), CREATED)),
    }
}

fn hear_translated(dialect: Dialect, chunks: Vec<std::io::Result<Bytes>>) -> Heard {
    on_a_runtime(hear_as(caller(dialect), chunks))
}

fn whole(text: &str) -> Vec<std::io::Result<Bytes>> {
    vec![Ok(Bytes::copy_from_slice(text.as_bytes()))]
}

/// The names of the events of messages, in order.
fn names(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("event: ")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn the_chunks_of_a_completion_make_no_difference(
        number in 0..STREAMS.len(),
        ends in prop::sample::select(Ends::ALL.to_vec()),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let text = sent(&pieces(STREAMS[number], ends));
        let heard = hear_translated(Dialect::Messages, chunks(&text, cuts));
        prop_assert_eq!(&heard, &hear_translated(Dialect::Messages, whole(&text)));
        if let Heard::Done(text, end) = heard {
            let all = names(&text).into_iter().chain(names(&end)).collect::<Vec<_>>();
            prop_assert_eq!(all.first(), Some(&"message_start"));
            prop_assert_eq!(all.iter().filter(|name| name.starts_with("message_")).count(), 3);
            prop_assert_eq!(all.last(), Some(&"message_stop"));
            let count = |wanted: &str| all.iter().filter(|name| **name == wanted).count();
            prop_assert_eq!(count("content_block_start"), count("content_block_stop"));
        }
    }

    #[test]
    fn the_chunks_of_a_message_make_no_difference(
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let text: String = message::EVENTS.iter().map(|sent| message::event(sent)).collect();
        let heard = hear_translated(Dialect::ChatCompletions, chunks(&text, cuts));
        prop_assert_eq!(&heard, &hear_translated(Dialect::ChatCompletions, whole(&text)));
        let Heard::Done(text, end) = heard else { return Err(TestCaseError::fail("it is complete")) };
        prop_assert_eq!(end, DONE);
        prop_assert_eq!(text.matches("\"finish_reason\":\"tool_calls\"").count(), 1);
    }

    #[test]
    fn a_stream_that_ends_early_has_no_end_of_ours(
        number in 0..STREAMS.len(),
        end in any::<prop::sample::Index>(),
    ) {
        let text = sent(&pieces(STREAMS[number], Ends::Lf));
        let end = end.index(text.len());
        let part = text.get(..end);
        prop_assume!(part.is_some());
        match hear_translated(Dialect::Messages, whole(part.unwrap_or_default())) {
            Heard::Nothing | Heard::Done(..) => {}
            Heard::Finished(text) | Heard::Broken(text) => {
                prop_assert!(!text.contains("message_stop") && !text.contains("message_delta"), "{}", text);
            }
        }
    }
}
