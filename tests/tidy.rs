//! Rules of the code that a test can check: imports between layers, places of crates, sizes, language.
//!
//! A finding reads `file:line: rule; remedy`. Each rule is first run on code that breaks it, so that a rule
//! that finds nothing fails. Rules about single functions and types are in `clippy.toml`, rules about crates in `deny.toml`.

#![allow(clippy::expect_used, clippy::panic, reason = "a test program: a panic is how it fails")]

#[path = "tidy/borders.rs"]
mod borders;
#[path = "tidy/circles.rs"]
mod circles;
#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/language.rs"]
mod language;
#[path = "tidy/places.rs"]
mod places;
#[path = "tidy/settings.rs"]
mod settings;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/templates.rs"]
mod templates;

use source::Source;

/// Runs a rule on each sample, which is `path, code, line`: it must find that line. Then runs it on the tree.
fn hold(rule: fn(&[Source]) -> Vec<String>, samples: &[(&str, &str, usize)]) {
    for (path, code, line) in samples {
        let findings = rule(&[Source::new(path, code)]);
        let start = format!("{path}:{line}: ");
        assert!(
            findings.iter().any(|finding| finding.starts_with(&start)),
            "the rule does not see what is wrong at {start}{code:?}; it found {findings:?}"
        );
    }
    let tree = Source::read(&["src", "entity/src", "migration/src", "tests"]);
    let findings = rule(&tree);
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
