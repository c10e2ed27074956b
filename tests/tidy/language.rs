//! Comments and documents are plain American English, and the documentation of an item is a phrase.
//!
//! Both rules hold by a ceiling for each area, which may only be lowered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::source::Source;

/// Words and phrases that have a plainer form. `~` at the end matches any ending.
const PLAINER: &[(&str, &str)] = &[
    ("nobody", "no one, or no model/caller/..."),
    ("somebody", "someone, or the person's role"),
    ("everybody", "all of them, by name"),
    ("whoever", "the one who, by role"),
    ("whom", "which model, caller or user"),
    ("whose", "of the organization, the key, ..."),
    ("anew", "again"),
    ("whereupon", "then"),
    ("stands", "is, or is configured"),
    ("stood", "was"),
    ("told", "reported, logged or shown"),
    ("comes about", "happens"),
    ("came about", "happened"),
    ("come about", "happen"),
    ("is over", "has ended or expired"),
    ("behind it stands", "is its fallback"),
];

/// British spellings, by their first letters.
const AMERICAN: &[(&str, &str)] = &[
    ("organisation~", "organization"),
    ("behaviour~", "behavior"),
    ("colour~", "color"),
    ("favour~", "favor"),
    ("honour~", "honor"),
    ("neighbour~", "neighbor"),
    ("cancelled", "canceled"),
    ("cancelling", "canceling"),
    ("labelled", "labeled"),
    ("modelled", "modeled"),
    ("licence~", "license"),
    ("catalogue~", "catalog"),
    ("centre~", "center"),
    ("optimis~", "optimize"),
    ("initialis~", "initialize"),
    ("normalis~", "normalize"),
    ("serialis~", "serialize"),
    ("recognis~", "recognize"),
    ("summaris~", "summarize"),
    ("authoris~", "authorize"),
    ("analyse~", "analyze"),
    ("whilst", "while"),
];

/// The most findings of [`PLAINER`] and [`AMERICAN`] in an area. Lower a number when its area has become better.
const MOST_WORDS: &[(&str, usize)] = &[("tests/api", 9), ("tests/cli", 2)];

/// The most items in an area whose documentation has fewer than [`PHRASE`] words.
const MOST_SHORT: &[(&str, usize)] = &[];

/// The fewest words of a phrase.
const PHRASE: usize = 4;

/// Documents besides the `.md` files of `docs`.
const DOCUMENTS: &[&str] = &["README.md", "CONTRIBUTING.md", "SECURITY.md"];

/// A line for people, and where it is.
pub(crate) struct Line {
    pub(crate) path: String,
    pub(crate) number: usize,
    pub(crate) text: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder whose name has the ending, sorted.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(folder)];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a folder is readable").path();
            match path.is_dir() {
                true => waiting.push(path),
                false if path.to_string_lossy().ends_with(ending) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// The lines of a document outside of its fenced code.
pub(crate) fn prose(path: &str, text: &str) -> Vec<Line> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.push(Line { path: path.to_owned(), number: index + 1, text: line.to_owned() });
        }
    }
    found
}

/// The documents of the repository.
pub(crate) fn documents() -> Vec<Line> {
    let mut paths = files("docs", ".md");
    paths.extend(DOCUMENTS.iter().map(|name| root().join(name)));
    paths.iter().flat_map(|path| prose(&relative(path), &read(path))).collect()
}

fn templates() -> Vec<Line> {
    let whole = |path: &PathBuf| {
        let (path, text) = (relative(path), read(path));
        let lines = text.lines().enumerate();
        let lines =
            lines.map(|(index, line)| Line { path: path.clone(), number: index + 1, text: line.to_owned() });
        lines.collect::<Vec<_>>()
    };
    files("templates", ".html").iter().flat_map(whole).collect()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).expect("it is below the root").to_string_lossy().replace('\\', "/")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines of a source file that are comments.
fn comments(source: &Source) -> Vec<Line> {
    let lines = source.text.lines().enumerate();
    let comments = lines.filter_map(|(index, line)| {
        let text = line.trim_start().strip_prefix("//")?;
        Some(Line { path: source.path.clone(), number: index + 1, text: text.to_owned() })
    });
    comments.collect()
}

/// `src/gateway/mod.rs` is in the area `src/gateway`, `templates/keys/list.html` in `templates`.
fn area(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        [top @ ("src" | "tests"), below, _, ..] => format!("{top}/{below}"),
        [top, _, ..] => (*top).to_owned(),
        _ => "documents".to_owned(),
    }
}

/// Whether `text`, in lower case, holds the word with no letter beside it.
fn holds(text: &str, word: &str) -> bool {
    let (stem, any_ending) = word.strip_suffix('~').map_or((word, false), |stem| (stem, true));
    text.match_indices(stem).any(|(at, _)| {
        let before = text.get(..at).and_then(|start| start.chars().next_back());
        let after = text.get(at + stem.len()..).and_then(|end| end.chars().next());
        !before.is_some_and(char::is_alphanumeric)
            && (any_ending || !after.is_some_and(char::is_alphanumeric))
    })
}

fn odd_words(lines: &[Line]) -> Vec<(String, String)> {
    let mut findings = Vec::new();
    for line in lines {
        // What is in backticks is a name of the API or the code.
        let text: String = line.text.split('`').step_by(2).collect::<Vec<_>>().join(" ").to_lowercase();
        for (word, better) in PLAINER.iter().chain(AMERICAN).filter(|(word, _)| holds(&text, word)) {
            let word = word.trim_end_matches('~');
            let finding = format!("{}:{}: '{word}'; write {better}", line.path, line.number);
            findings.push((area(&line.path), finding));
        }
    }
    findings
}

/// Item documentation of fewer than [`PHRASE`] words.
fn short_phrases(source: &Source) -> Vec<(String, String)> {
    let mut findings = Vec::new();
    let mut words = 0;
    let mut start = None;
    for (index, line) in source.text.lines().chain([""]).enumerate() {
        if let Some(text) = line.trim_start().strip_prefix("///") {
            start = start.or(Some(index + 1));
            words += text.split_whitespace().count();
        } else if let Some(number) = start.take() {
            if words < PHRASE {
                let finding = format!(
                    "{}:{number}: {words} words say too little; write a phrase, or nothing where none is required",
                    source.path
                );
                findings.push((area(&source.path), finding));
            }
            words = 0;
        }
    }
    findings
}

/// Fails where an area has more findings than its ceiling, or its ceiling is missing.
fn keep_below(ceilings: &[(&str, usize)], findings: &[(String, String)]) {
    let mut counts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (area, finding) in findings {
        counts.entry(area).or_default().push(finding);
    }
    let mut message = String::new();
    for (area, found) in counts {
        let most = ceilings.iter().find(|(name, _)| *name == area).map_or(0, |(_, most)| *most);
        if found.len() > most {
            let listed = found.join("\n");
            message.push_str(&format!("{area}: {} findings, at most {most}:\n{listed}\n", found.len()));
        }
    }
    assert!(message.is_empty(), "\n{message}");
}

#[test]
fn comments_documents_and_pages_are_plain_american_english() {
    let sample = |path: &str, text: &str| {
        odd_words(&[Line { path: path.to_owned(), number: 7, text: text.to_owned() }])
    };
    assert_eq!(sample("src/a/b.rs", "Whom an organisation asks.").len(), 2);
    assert_eq!(sample("docs/a.md", "a catalogue")[0].1, "docs/a.md:7: 'catalogue'; write catalog");
    assert_eq!(sample("docs/a.md", "understands `organisation` and withstood").len(), 0);
    let sources = Source::read(&["src", "entity/src", "migration/src", "tests"]);
    // This file lists the words.
    let others = sources.iter().filter(|source| source.path != "tests/tidy/language.rs");
    let mut lines: Vec<Line> = others.flat_map(comments).collect();
    lines.extend(documents());
    lines.extend(templates());
    keep_below(MOST_WORDS, &odd_words(&lines));
}

#[test]
fn the_documentation_of_an_item_is_a_phrase() {
    let sample = |text: &str| short_phrases(&Source::new("src/a/b.rs", text)).len();
    assert_eq!(sample("/// Whom.\nfn a() {}\n/// The address that is\n/// called.\nfn b() {}"), 1);
    assert_eq!(sample("// Whom.\nfn a() {}"), 0);
    let sources = Source::read(&["src", "entity/src", "migration/src"]);
    keep_below(MOST_SHORT, &sources.iter().flat_map(short_phrases).collect::<Vec<_>>());
}
