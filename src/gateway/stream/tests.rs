//! Streams of every shape, however they are chunked and wherever they end: what passes is what was sent, with our names
//! in it.

mod corpus;

use std::io::{Error, ErrorKind};

use proptest::prelude::*;

use super::*;
use crate::shares::Shares;
use corpus::{Ends, Piece, STREAMS, pieces};

fn counted() -> Held {
    Shares::ample().of_strangers().hold()
}

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

/// Reads a body as a request does: up to the first real frame, then on to the end.
async fn hear(chunks: Vec<std::io::Result<Bytes>>) -> Heard {
    let response = UpstreamResponse::in_pieces(chunks);
    let names = Names::new("ours", "house");
    let outcome = first_frame(response, names, false, Instant::now(), counted()).await;
    let (Outcome::Ready(Reply::Stream(reply)) | Outcome::Filtered(Reply::Stream(reply), _)) = outcome else {
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
    match end {
        Ok(Read::Done(done)) => Heard::Done(text, String::from_utf8(done.to_vec()).expect("UTF-8")),
        Ok(Read::End) if reader.seen.finished => Heard::Finished(text),
        Ok(Read::End | Read::More) | Err(_) => Heard::Broken(text),
    }
}

fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
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

fn chunks(text: &str, mut cuts: Vec<prop::sample::Index>) -> Vec<std::io::Result<Bytes>> {
    let bytes = text.as_bytes();
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
        let heard_in_pieces = on_a_runtime(hear(chunks(&sent(&pieces), cuts)));
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
    if clean { Heard::Finished(text) } else { Heard::Broken(text) }
}

#[test]
fn wherever_it_is_cut_whole_events_are_heard_and_nothing_of_others() {
    for stream in STREAMS {
        for ends in Ends::ALL {
            // Of several lines of data each is understood by itself until the next has come: no vendor sends them.
            let pieces: Vec<Piece> = pieces(stream, ends).into_iter().filter(|piece| !piece.many()).collect();
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
    let outcome = on_a_runtime(first_frame(response, Names::new("a", "b"), false, Instant::now(), counted()));
    let Outcome::Ready(Reply::Stream(reply)) = outcome else { panic!("no stream") };
    let identity = reply.reader.seen.identity.expect("an identity");
    assert_eq!((identity.id.as_str(), identity.created.as_str()), ("\"content\"", "7"));
}
