//! Streams of every shape, however they are chunked and wherever they end: what passes is what was sent, with our names
//! in it.

mod converse;
mod corpus;
mod gemini;
mod message;
mod random_ids;
mod translated;

use std::io::{Error, ErrorKind};

use proptest::prelude::*;

use super::*;
use crate::dialects::gemini::signature::Signer;
use crate::gateway::call::translation::AnswerTranslation;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::usage::text_size::TextSize;
use crate::limits::shares::Shares;
use corpus::{Ends, Piece, STREAMS, pieces};

/// The end of a stream that its provider broke off after its last word.
const DONE: &str = "data: [DONE]\n\n";

/// What a caller would have heard, and how it ended.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    /// Nothing: the next candidate's turn.
    Nothing,
    /// This, and then `[DONE]` as the provider wrote it.
    Done(String, String),
    /// This, and then the end after a `finish_reason`.
    Finished(String),
    /// This, and then it broke.
    Broken(String),
}

/// A caller of completions.
fn expected(model: &str, provider: &str, include_usage: bool) -> Expected {
    Expected {
        dialect: Dialect::ChatCompletions,
        names: Names::new(model, provider),
        include_usage,
        choices: 1,
        secrets: SecretSearch::default(),
        translation: None,
    }
}

/// Reads a body as a request does: up to the first real frame, then on to the end.
async fn hear(chunks: Vec<std::io::Result<Bytes>>) -> Heard {
    hear_as(expected("ours", "house", false), chunks).await
}

/// A caller of one dialect and a provider of another one.
fn caller_of(dialect: Dialect, provider: Dialect) -> Expected {
    let body = r#"{"model":"m","max_tokens":1,"stream":true,"input":"Hi","messages":[{"role":"user","content":"Hi"}]}"#;
    let request = ChatRequest::parse_as(dialect, Bytes::from_static(body.as_bytes())).expect(body);
    let sent = request.translated(provider).expect("a translation");
    let translation =
        AnswerTranslation::between(&request, &sent, Signer::Studio, |_| 7).expect("two dialects");
    let translation = Some(translation.stream(Names::new("ours", "house"), 1_700_000_000));
    Expected { dialect: provider, translation, ..expected("ours", "house", true) }
}

async fn hear_as(expected: Expected, chunks: Vec<std::io::Result<Bytes>>) -> Heard {
    let response = UpstreamResponse::in_pieces(chunks);
    let (share, so_far) = (Shares::ample().of_anonymous(), SoFar::default());
    let outcome = first_frame(response, expected, Instant::now(), &share, &so_far).await;
    let (AttemptOutcome::Ready(Reply::Stream(reply)) | AttemptOutcome::Filtered(Reply::Stream(reply), _)) =
        outcome
    else {
        return Heard::Nothing;
    };
    let StreamReply { held: mut heard, mut reader, .. } = *reply;
    let end = loop {
        let read = match reader.drain(&mut heard) {
            Ok(Read::More) => match reader.read().await {
                Ok(true) => continue,
                Ok(false) => reader.drain_rest(&mut heard),
                Err(fault) => Err(fault),
            },
            other => other,
        };
        break read;
    };
    let text = String::from_utf8(heard).expect("what was sent is UTF-8");
    match end.or_else(|fault| reader.settle(fault)) {
        Ok(Read::Done(done)) => Heard::Done(text, String::from_utf8(done.to_vec()).expect("UTF-8")),
        Ok(Read::End) if reader.seen.choices.is_over() && reader.closing().is_ok() => Heard::Finished(text),
        Ok(Read::End | Read::More) | Err(_) => Heard::Broken(text),
    }
}

fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(future)
}

fn sent(pieces: &[Piece]) -> String {
    pieces.iter().map(|piece| piece.sent.as_str()).collect()
}

/// What is heard of whole pieces.
fn heard(pieces: &[Piece]) -> Heard {
    let mut text = String::new();
    for piece in pieces {
        if piece.done {
            return Heard::Done(text, piece.sent.clone());
        }
        text += &piece.passes;
    }
    Heard::Finished(text)
}

fn chunks(sent: impl AsRef<[u8]>, mut cuts: Vec<prop::sample::Index>) -> Vec<std::io::Result<Bytes>> {
    let bytes = sent.as_ref();
    let mut places: Vec<usize> = cuts.drain(..).map(|cut| cut.index(bytes.len())).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.dedup();
    places.windows(2).map(|pair| Ok(Bytes::copy_from_slice(&bytes[pair[0]..pair[1]]))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_passes_is_what_was_sent_however_it_is_chunked(
        number in 0..STREAMS.len(),
        ends in prop::sample::select(Ends::ALL.to_vec()),
        mark in any::<bool>(),
        unfinished in any::<bool>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let mut pieces = pieces(STREAMS[number], ends);
        if mark {
            pieces[0].prefix("\u{feff}");
        }
        if unfinished && let Some(last) = pieces.last_mut() {
            last.without_its_end();
        }
        let heard_in_pieces = on_a_runtime(hear(chunks(sent(&pieces), cuts)));
        if mark {
            pieces[0].without_byte_order_mark();
        }
        prop_assert_eq!(heard_in_pieces, heard(&pieces));
    }
}

#[test]
fn a_byte_at_a_time_is_the_same_too() {
    for stream in STREAMS {
        for ends in Ends::ALL {
            let pieces = pieces(stream, ends);
            let bytes = sent(&pieces).into_bytes();
            let single = bytes.iter().map(|byte| Ok(Bytes::copy_from_slice(&[*byte]))).collect();
            assert_eq!(on_a_runtime(hear(single)), heard(&pieces));
        }
    }
}

/// What is heard of the first `length` bytes. `clean`: the body ended as if that were all of it.
fn heard_of(pieces: &[Piece], length: usize, clean: bool) -> Heard {
    let mut text = String::new();
    let (mut real, mut finished, mut left) = (false, false, length);
    for piece in pieces {
        if piece.sent.len() > left {
            let rest = if clean { piece.tail(left) } else { corpus::Tail::Breaks };
            return match rest {
                _ if !real => Heard::Nothing,
                corpus::Tail::Breaks if finished => Heard::Done(text, DONE.to_owned()),
                corpus::Tail::Breaks => Heard::Broken(text),
                corpus::Tail::Done(done) => Heard::Done(text, done),
                corpus::Tail::Passes(rest, finishes) if finished || finishes => Heard::Finished(text + &rest),
                corpus::Tail::Passes(rest, _) => Heard::Broken(text + &rest),
            };
        }
        left -= piece.sent.len();
        if piece.done {
            return heard(pieces);
        }
        text += &piece.passes;
        real |= piece.real;
        finished |= piece.finishes();
    }
    match (clean, finished) {
        (true, _) => Heard::Finished(text),
        (false, true) => Heard::Done(text, DONE.to_owned()),
        (false, false) => Heard::Broken(text),
    }
}

#[test]
fn wherever_it_is_cut_whole_events_are_heard_and_nothing_of_others() {
    for stream in STREAMS {
        for ends in Ends::ALL {
            let pieces: Vec<Piece> = pieces(stream, ends);
            let whole = sent(&pieces);
            for length in 0..whole.len() {
                let part = || Bytes::copy_from_slice(&whole.as_bytes()[..length]);
                for clean in [false, true] {
                    let broken = (!clean).then(|| Err(Error::from(ErrorKind::UnexpectedEof)));
                    let chunks: Vec<_> = std::iter::once(Ok(part())).chain(broken).collect();
                    let expected = heard_of(&pieces, length, clean);
                    let text = String::from_utf8_lossy(&whole.as_bytes()[..length]);
                    assert_eq!(on_a_runtime(hear(chunks)), expected, "{length}, {clean}, {ends:?}: {text}");
                }
            }
        }
    }
}

#[test]
fn the_only_frame_of_a_stream_may_lack_its_blank_line_if_it_is_the_last_word() {
    let of = |reason: &str| {
        let frame =
            format!(r#"data: {{"choices":[{{"delta":{{"content":"Hi"}},"finish_reason":{reason}}}]}}"#);
        on_a_runtime(hear(vec![Ok(frame.into())]))
    };
    assert!(matches!(of("\"stop\""), Heard::Finished(text) if text.contains("Hi")));
    assert_eq!(of("null"), Heard::Nothing);
}

#[test]
fn the_identity_is_that_of_the_content() {
    let frame = |id: &str, choices: &str| {
        Ok(Bytes::from(format!("data: {{\"id\":{id},\"created\":7,\"choices\":{choices}}}\n\n")))
    };
    let chunks = vec![
        frame("\"\"", "[]"),
        frame("\"role\"", r#"[{"delta":{"role":"assistant"}}]"#),
        frame("\"content\"", r#"[{"delta":{"content":"x"}}]"#),
        frame("\"later\"", r#"[{"delta":{"content":"y"}}]"#),
    ];
    let response = UpstreamResponse::in_pieces(chunks);
    let share = Shares::ample().of_anonymous();
    let outcome = on_a_runtime(first_frame(
        response,
        expected("a", "b", false),
        Instant::now(),
        &share,
        &SoFar::default(),
    ));
    let AttemptOutcome::Ready(Reply::Stream(reply)) = outcome else { panic!("no stream") };
    let identity = reply.reader.seen.identity.expect("an identity");
    assert_eq!((identity.id.as_str(), identity.created.as_str()), ("\"content\"", "7"));
}

#[test]
fn several_lines_of_data_are_one_text_or_events_without_a_line_between_them() {
    let of = |text: &str| on_a_runtime(hear(vec![Ok(Bytes::copy_from_slice(text.as_bytes()))]));
    let one = "event: x\ndata: {\"choices\":[{\"delta\":\r\ndata: {\"content\":\"x\"},\ndata:\"finish_reason\":\"stop\"}]}\n\n";
    assert_eq!(
        of(one),
        Heard::Finished("event: x\ndata: {\"choices\":[{\"delta\": {\"content\":\"x\"}, \"finish_reason\":\"stop\"}],\"model\":\"ours\",\"provider\":\"house\"}\n\n".to_owned())
    );
    let many = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\ndata: [DONE]\n\n";
    let Heard::Done(text, _) = of(many) else { panic!("not done") };
    assert_eq!(text.matches("data: {").count(), 2, "{text}");
    assert_eq!(text.matches("\"model\":\"ours\"").count(), 2, "{text}");
}

#[test]
fn an_error_beside_the_fields_of_an_event_breaks_the_stream() {
    let word = r#"data: {"choices":[{"delta":{"content":"x"}}]}"#;
    let end = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    let of = |stray: &str| {
        let text = format!("{word}\n\n{stray}\n{word}\n\n{end}\n\n");
        on_a_runtime(hear(vec![Ok(Bytes::from(text))]))
    };
    for stray in ["{\"key\":1}", "key: 1", "{\n\"key\": 1\n}", ": {\"error\":\"no\"}"] {
        let Heard::Finished(text) = of(stray) else { panic!("{stray}") };
        assert!(!text.contains("key") && !text.contains("no"), "{text}");
        assert_eq!(text.matches("\"content\":\"x\"").count(), 2, "{text}");
    }
    for error in ["{\"error\":\"no\"}", "id: 1\n{\n\"detail\": \"no\"\n}"] {
        let Heard::Broken(text) = of(error) else { panic!("{error}") };
        assert!(!text.contains("no"), "{text}");
    }
}

#[test]
fn every_choice_that_began_must_end() {
    let of = |chunks: &[&str]| {
        let events = chunks.iter().map(|choices| format!("data: {{\"choices\":[{choices}]}}\n\n"));
        let broken = std::iter::once(Err(Error::from(ErrorKind::UnexpectedEof)));
        on_a_runtime(hear(events.map(|event| Ok(event.into())).chain(broken).collect()))
    };
    let (first, second) =
        (r#"{"index":0,"delta":{"content":"a"}}"#, r#"{"index":1,"delta":{"content":"b"}}"#);
    let end = |index: u8| format!(r#"{{"index":{index},"delta":{{}},"finish_reason":"stop"}}"#);
    assert!(matches!(of(&[first, second, &end(0)]), Heard::Broken(_)));
    assert!(matches!(of(&[first, second, &end(1), &end(0)]), Heard::Done(..)));
    // What one of them lacks, the other may have.
    let filtered = r#"{"index":0,"delta":{},"finish_reason":"SAFETY"}"#;
    assert!(matches!(of(&[filtered, second, &end(1)]), Heard::Done(..)));
    assert!(matches!(of(&[r#"{"index":0,"delta":{},"finish_reason":"error"}"#]), Heard::Nothing));
    let failed = r#"{"index":0,"delta":{},"finish_reason":"error","error":{"code":500}}"#;
    assert!(matches!(of(&[first, failed]), Heard::Broken(_)));
    assert!(matches!(of(&[first, second, failed, &end(1)]), Heard::Done(..)));
}

#[test]
fn as_many_choices_as_were_asked_for_must_come_and_end() {
    let of = |chunks: &[&str]| {
        let events = chunks.iter().map(|choices| format!("data: {{\"choices\":[{choices}]}}\n\n"));
        let events = events.chain([DONE.to_owned()]).map(|event| Ok(Bytes::from(event)));
        let two = Expected { choices: 2, ..expected("ours", "house", false) };
        on_a_runtime(hear_as(two, events.collect()))
    };
    let (first, second) =
        (r#"{"index":0,"delta":{"content":"a"}}"#, r#"{"index":1,"delta":{"content":"b"}}"#);
    let (end, other_end) = (
        r#"{"index":0,"delta":{},"finish_reason":"stop"}"#,
        r#"{"index":1,"delta":{},"finish_reason":"stop"}"#,
    );
    for missing in [&[first, end][..], &[first], &[first, second, end]] {
        assert!(matches!(of(missing), Heard::Broken(_)), "{missing:?}");
    }
    // Some servers send no ends.
    for whole in [&[first, second, other_end, end][..], &[first, second]] {
        assert!(matches!(of(whole), Heard::Done(..)), "{whole:?}");
    }
    // It is served as it is if no other candidate answers.
    let filtered = r#"{"index":0,"delta":{},"finish_reason":"SAFETY"}"#;
    assert!(matches!(of(&[filtered]), Heard::Done(..)));
}

#[test]
fn one_text_becomes_a_stream() {
    let of = |text: &str| on_a_runtime(hear(vec![Ok(Bytes::copy_from_slice(text.as_bytes()))]));
    let Heard::Done(text, _) = of(
        "\n {\"id\":\"1\",\"model\":\"theirs\",\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"x\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}",
    ) else {
        panic!("no stream")
    };
    assert_eq!(text.matches("data: ").count(), 2, "{text}");
    assert!(
        text.contains(r#""model":"ours""#) && text.contains(r#""delta":{"role":"assistant","content":"x"}"#),
        "{text}"
    );
    assert_eq!(of(r#"{"choices":[]}"#), Heard::Nothing);
    assert_eq!(of(r#"{"error":{"code":500}}"#), Heard::Nothing);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn chunks_that_differ_only_in_their_text_are_read_like_all_others(
        chunks in prop::collection::vec((
            prop::sample::select(&["a", " the", "naïve", "", "\\n", "\\\"", "theirs", "名前", "0", "\u{7f}", "}"]),
            0_u8..2,
            prop::sample::select(&["null", "null", "null", "\"stop\""]),
            prop::sample::select(&["", "", ",\"obfuscation\":\"x\"", ",\"reasoning_content\":\"why\""]),
        ), 1..40),
    ) {
        let mut reader = FrameReader::new(
            UpstreamResponse::in_pieces(Vec::new()), expected("ours", "house", true), Instant::now(),
            Shares::ample().of_anonymous().hold(),
        );
        let (mut out, mut expected, mut sizes, mut continued) = (Vec::new(), String::new(), TextSize::default(), false);
        let (mut begun, mut over) = ([false; 2], [false; 2]);
        for (text, index, end, more) in &chunks {
            let (inside, outside) = if more.contains("reasoning") { (*more, "") } else { ("", *more) };
            let chunk = |model: &str, provider: &str| {
                let delta = format!("{{\"content\":\"{text}\"{inside}}}");
                let choices = format!("[{{\"index\":{index},\"delta\":{delta},\"finish_reason\":{end}}}]");
                format!("{{\"id\":\"1\",\"model\":{model},\"choices\":{choices}{outside}{provider}}}")
            };
            let sent = chunk("\"theirs\"", "");
            let choices = Inspected::new(sent.as_bytes()).expect("a chunk").choices;
            let place = usize::from(*index);
            let all_over = |begun: &[bool; 2], over: &[bool; 2]| begun.iter().zip(over).all(|(begun, over)| *over || !begun);
            begun[place] = true;
            continued |= choices.content && over[place];
            over[place] |= choices.finished;
            sizes = sizes.then(choices.size);
            expected += &format!("data: {}\n\n", chunk("\"ours\"", ",\"provider\":\"house\""));
            reader.push(format!("data: {sent}\n\n").into()).expect("room");
            let drained = reader.drain(&mut out);
            prop_assert!(matches!(drained, Ok(Read::More)));
            prop_assert_eq!(reader.seen.size, sizes);
            prop_assert_eq!(reader.seen.choices.continued_after_end, continued);
            prop_assert_eq!(reader.seen.choices.is_over(), all_over(&begun, &over));
        }
        prop_assert_eq!(String::from_utf8(out).expect("UTF-8"), expected);
    }
}
