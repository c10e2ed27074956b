//! Requests, answers and streams in every dialect, and what each becomes in each other one, byte for byte: the inputs are in
//! the folders of `tests/golden/translation`, one for each case, and the outputs beside them. Review a change in these.
//!
//! `INSTA_UPDATE=always cargo nextest run --test api golden` updates the outputs. A new case is a new folder with any of
//! `request.<dialect>.json`, `answer.<dialect>.json` and `stream.<dialect>.jsonl`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use failsoft::dialects::answers::{Stop, Tokens};
use failsoft::dialects::change::Changes;
use failsoft::dialects::gemini::signature::Signer;
use failsoft::dialects::members::Members;
use failsoft::dialects::responses::repeated::Repeated;
use failsoft::dialects::translate::{self, Context, Reader, Stream, Writer};
use failsoft::dialects::{CallerDialect, Dialect, chat, converse, gemini, messages, responses};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/translation");
/// The tokens of every answer.
const TOKENS: Tokens = Tokens { fresh: 10, cache_read: 100, cache_write: 50, output: 7, reasoning: 3 };
/// The time of every answer, in seconds.
const CREATED: i64 = 1_700_000_000;

fn stop(reason: &str) -> Stop {
    match reason {
        "length" => Stop::Length,
        "tool_calls" => Stop::Calls,
        "content_filter" => Stop::Refused,
        _ => Stop::End,
    }
}

fn repeated() -> Repeated {
    let members: Members<'_> = serde_json::from_str("{}").expect("an object");
    Repeated::of(&members)
}

/// The other dialects, in display order.
fn others(dialect: Dialect) -> impl Iterator<Item = Dialect> {
    Dialect::ALL.into_iter().filter(move |other| *other != dialect)
}

/// What becomes of a request; `None` if it is not a caller's.
fn request((from, to): (Dialect, Dialect), input: &str) -> Option<String> {
    let pair = (from.of_callers()?, to);
    let members: Members<'_> = serde_json::from_str(input).expect("an object");
    let mut changes = Changes::default();
    let written = match translate::request(pair, &members, "upstream", &mut changes) {
        Ok(body) => String::from_utf8(body).expect("a text"),
        Err(need) => return Some(format!("passed over: {}\n", need.rule())),
    };
    let mut out = written + "\n";
    for change in changes.into_names() {
        writeln!(out, "- {change}").expect("a text");
    }
    Some(out)
}

/// What becomes of a whole answer; `None` if no caller of the other dialect gets it.
fn answer((from, to): (Dialect, Dialect), input: &str) -> Option<String> {
    let repeated = repeated();
    let context = Context { stop, signer: Signer::Studio, created: CREATED, repeated: Some(&repeated) };
    let (body, _) = translate::answer((from, to.of_callers()?), input.as_bytes(), TOKENS, context)?;
    Some(String::from_utf8(body).expect("a text") + "\n")
}

fn reader_of(dialect: Dialect) -> Option<Reader> {
    match dialect {
        Dialect::ChatCompletions => Some(Reader::Chat(chat::read_stream::Reader::new(stop))),
        Dialect::Messages => Some(Reader::Messages(messages::read_stream::Reader::default())),
        Dialect::Gemini => Some(Reader::Gemini(gemini::read_stream::Reader::new(stop, Signer::Studio))),
        Dialect::Converse => Some(Reader::Converse(converse::read_stream::Reader::default())),
        Dialect::Responses => None,
    }
}

fn writer_to(dialect: CallerDialect) -> Writer {
    let ours = "\"ours\"".to_owned();
    match dialect {
        CallerDialect::ChatCompletions => {
            Writer::Chat(Box::new(chat::write_stream::Writer::new(CREATED, &ours, "\"house\"", true)))
        }
        CallerDialect::Messages => Writer::Messages(Box::new(messages::write_stream::Writer::new(ours, 42))),
        CallerDialect::Responses => {
            let repeated = Arc::new(repeated());
            Writer::Responses(Box::new(responses::write_stream::Writer::new(ours, CREATED, repeated)))
        }
    }
}

/// What becomes of a stream; `None` if no caller of the other dialect gets it.
fn stream((from, to): (Dialect, Dialect), input: &str) -> Option<String> {
    let (mut stream, mut out) = (Stream::new(reader_of(from)?, writer_to(to.of_callers()?)), Vec::new());
    for event in input.lines() {
        stream.feed(event.as_bytes(), &mut out).expect("a stream that can be written");
    }
    out.extend(stream.end(TOKENS).expect("an end"));
    Some(String::from_utf8(out).expect("a text"))
}

/// What becomes of a file, and the title of that.
fn outputs(kind: &str, dialect: Dialect, input: &str) -> String {
    let mut out = String::new();
    for other in others(dialect) {
        let pair = (dialect, other);
        let written = match kind {
            "request" => request(pair, input),
            "answer" => answer(pair, input),
            _ => stream(pair, input),
        };
        if let Some(written) = written {
            writeln!(out, "## {kind}: {} -> {}\n{written}", dialect.name(), other.name()).expect("a text");
        }
    }
    out
}

/// The folders of the cases, sorted.
fn cases() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(FOLDER).expect("the folder");
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    cases.retain(|path| path.is_dir());
    cases.sort_unstable();
    cases
}

fn name_of(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

#[test]
fn golden_cases_become_the_same_bytes_in_every_dialect() {
    for case in cases() {
        let mut text = String::new();
        for (kind, ending) in [("request", "json"), ("answer", "json"), ("stream", "jsonl")] {
            for dialect in Dialect::ALL {
                let file = case.join(format!("{kind}.{}.{ending}", dialect.name()));
                if let Ok(input) = std::fs::read_to_string(&file) {
                    text += &outputs(kind, dialect, input.trim_end());
                }
            }
        }
        assert!(!text.is_empty(), "{} holds nothing", case.display());
        let name = name_of(&case);
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(FOLDER);
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name.as_str(), text.as_str()));
    }
}

#[test]
fn golden_files_have_names_that_are_read_and_outputs_have_inputs() {
    let cases = cases();
    let read = |name: &String| {
        Dialect::ALL.iter().any(|dialect| {
            let dialect = dialect.name();
            [
                format!("request.{dialect}.json"),
                format!("answer.{dialect}.json"),
                format!("stream.{dialect}.jsonl"),
            ]
            .contains(name)
        })
    };
    for case in &cases {
        let files =
            std::fs::read_dir(case).expect("a folder").map(|file| name_of(&file.expect("a file").path()));
        let unread: Vec<String> = files.filter(|name| !read(name)).collect();
        assert!(unread.is_empty(), "{}: {unread:?}", case.display());
    }
    let outputs = std::fs::read_dir(FOLDER).expect("the folder").map(|file| file.expect("a file").path());
    let outputs = outputs.filter(|path| path.extension().is_some_and(|ending| ending == "snap"));
    for output in outputs {
        assert!(cases.contains(&output.with_extension("")), "{} has no inputs", output.display());
    }
}
