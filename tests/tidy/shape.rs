//! The form of a file: purpose, name and length, and what its matches and tests may not do.

use crate::hold;
use crate::source::{Source, Word, block_end};

/// Files with one idea in more than [`LONGEST_FILE`] lines.
const LONG_FILES: &[(&str, &str)] = &[];

const LONGEST_FILE: usize = 400;
const LONGEST_LOOP: usize = 60;

fn modules_say_what_they_are_for(sources: &[Source]) -> Vec<String> {
    let silent = sources.iter().filter(|source| !source.text.starts_with("//!"));
    silent
        .map(|source| format!("{}:1: no purpose; open with '//!' and what the file is for", source.path))
        .collect()
}

#[test]
fn every_file_opens_with_its_purpose() {
    hold(modules_say_what_they_are_for, &[("src/clock.rs", "use std::time::Duration;\n//! Too late.", 1)]);
}

fn names_say_something(sources: &[Source]) -> Vec<String> {
    const EMPTY: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "shared"];
    let says_nothing = |source: &&Source| {
        source.path.starts_with("src/") && source.module().iter().any(|part| EMPTY.contains(&part.as_str()))
    };
    let findings = sources.iter().filter(says_nothing);
    findings
        .map(|source| format!("{}:1: the name says nothing; name the file after its content", source.path))
        .collect()
}

#[test]
fn no_file_is_called_utils() {
    hold(
        names_say_something,
        &[("src/api/helpers.rs", "", 1), ("src/common/mod.rs", "", 1), ("src/gateway/utils/time.rs", "", 1)],
    );
}

fn loop_fits(sources: &[Source]) -> Vec<String> {
    const HOME: &str = "src/gateway/failover.rs";
    let words = sources.iter().find(|source| source.path == HOME).map_or(&[][..], |source| &source.product);
    let Some(start) = words.windows(2).position(|pair| pair[0].text == "fn" && pair[1].text == "process")
    else {
        return vec![format!(
            "{HOME}:1: the loop, process(), is not here; every request goes through that one function"
        )];
    };
    let open = start + words[start..].iter().take_while(|word| word.text != "{").count();
    let end = block_end(words, open).min(words.len() - 1);
    let length = words[end].line - words[start].line + 1;
    if length <= LONGEST_LOOP {
        return Vec::new();
    }
    vec![format!(
        "{HOME}:{}: process() has {length} lines of {LONGEST_LOOP}; move what it does into the step that it belongs to",
        words[start].line
    )]
}

#[test]
fn the_loop_can_be_read_at_a_glance() {
    let long = format!("async fn process() {{{}}}", "\nstep();".repeat(LONGEST_LOOP));
    hold(
        loop_fits,
        &[("src/gateway/failover.rs", &long, 1), ("src/gateway/failover.rs", "fn other() {}", 1)],
    );
}

fn files_are_one_idea(sources: &[Source]) -> Vec<String> {
    let length = |source: &Source| source.text.lines().count();
    let excepted = |path: &str| LONG_FILES.iter().any(|(long, _)| *long == path);
    let too_long = sources.iter().filter(|source| length(source) > LONGEST_FILE && !excepted(&source.path));
    let mut findings: Vec<String> = too_long
        .map(|source| {
            let lines = length(source);
            format!(
                "{}:{LONGEST_FILE}: {lines} lines of {LONGEST_FILE}; split it into a file for each idea",
                source.path
            )
        })
        .collect();
    let short_again =
        sources.iter().filter(|source| length(source) <= LONGEST_FILE && excepted(&source.path));
    findings.extend(
        short_again.map(|source| format!("{}:1: no longer long; remove it from LONG_FILES", source.path)),
    );
    findings
}

#[test]
fn no_file_is_two_ideas() {
    hold(files_are_one_idea, &[("src/gateway/plan.rs", &"\n".repeat(LONGEST_FILE + 1), LONGEST_FILE)]);
}

fn matches_name_every_case(sources: &[Source]) -> Vec<String> {
    let decides = |path: &str| {
        // An error's status is decided in domain/error.rs; a dialect names only what its contract has otherwise.
        ["src/domain/failure/class_policy.rs", "src/domain/error.rs"].contains(&path)
            || path.starts_with("src/gateway/call/classify/")
    };
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| decides(&source.path)) {
        let wildcard = |pair: &&[Word]| pair[0].text == "_" && ["=>", "if"].contains(&pair[1].text.as_str());
        findings.extend(source.product.windows(2).filter(wildcard).map(|pair| {
            format!(
                "{}:{}: no '_ =>' here; name each case, so that a new one is decided and not swallowed",
                source.path, pair[0].line
            )
        }));
    }
    findings
}

#[test]
fn no_failure_is_swallowed_by_a_wildcard() {
    hold(
        matches_name_every_case,
        &[
            ("src/gateway/call/classify/mod.rs", "fn f(n: u8) { match n {\n 1 => a(),\n _ => b() } }", 3),
            ("src/gateway/call/classify/status.rs", "fn f(n: u8) { match n { 1 | _ if g() => b() } }", 1),
            ("src/domain/error.rs", "fn f(n: u8) { match n { _ => b() } }", 1),
        ],
    );
}

/// Folders below `src/api/` that are not dialects: what these share.
const NO_DIALECTS: &[&str] = &["body", "inference", "openapi"];

fn dialects_dress_errors_themselves(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        let Some((dialect, _)) = source.path.strip_prefix("src/api/").and_then(|rest| rest.split_once('/'))
        else {
            continue;
        };
        if NO_DIALECTS.contains(&dialect) {
            continue;
        }
        let errors = format!("src/api/{dialect}/error.rs");
        let finding =
            format!("{errors}:1: missing; a dialect shapes every error of the core in its own error.rs");
        if !sources.iter().any(|source| source.path == errors) && !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}

#[test]
fn each_dialect_has_its_errors() {
    let finding = dialects_dress_errors_themselves(&[Source::new("src/api/openai/models.rs", "")]);
    assert_eq!(finding.len(), 1, "the rule does not see a dialect without errors");
    hold(dialects_dress_errors_themselves, &[]);
}

fn tests_wait_for_events(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        // In a file with product code, the words of its tests are those outside of it.
        let tests =
            source.words.iter().filter(|word| !source.product.iter().any(|kept| kept.line == word.line));
        let sleeps = tests.filter(|word| ["sleep", "sleep_until"].contains(&word.text.as_str()));
        findings.extend(sleeps.map(|word| {
            format!(
                "{}:{}: a test that sleeps is slow or flaky; wait for the event, or move the clock",
                source.path, word.line
            )
        }));
    }
    findings
}

#[test]
fn no_test_sleeps() {
    hold(
        tests_wait_for_events,
        &[
            ("tests/api/chat.rs", "async fn f() {\n tokio::time::sleep(d).await }", 2),
            ("src/clock.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n use std::thread::sleep;\n}", 4),
        ],
    );
}

fn the_clone_stands_alone(sources: &[Source]) -> Vec<String> {
    // Concatenated, so that this line is not a finding.
    let outside = [concat!("..", "/shared"), concat!("/work", "/")];
    let mut findings = Vec::new();
    for source in sources {
        for (index, line) in source.text.lines().enumerate() {
            if outside.iter().any(|folder| line.contains(folder)) {
                findings.push(format!(
                    "{}:{}: a path outside of the repository; copy what is needed and name its source",
                    source.path,
                    index + 1
                ));
            }
        }
    }
    findings
}

#[test]
fn nothing_refers_outside_of_the_clone() {
    let sample = format!("//! From ..{}.", "/shared/data");
    hold(the_clone_stands_alone, &[("src/providers/known.rs", &sample, 1)]);
}
