//! Paths that documents and file headers name exist, and a folder of `src` holds no more than a reader can survey.

use std::collections::BTreeMap;
use std::path::Path;

use crate::language::{Line, documents, prose};
use crate::source::Source;

/// The most files and folders side by side in a folder of `src`, `mod.rs` aside.
const MOST_SIBLINGS: usize = 15;

/// Folders that may hold more, how many, and why.
const WIDE_FOLDERS: &[(&str, usize, &str)] = &[
    ("src", 19, "the layers themselves"),
    ("src/api/management", 16, "one entry for each resource beside what they share"),
    ("src/dialects", 17, "one folder for each dialect beside what they share"),
    ("src/domain", 18, "one definition per file, independent of the others"),
    ("src/console/pages", 18, "one folder for each area of the console"),
];

/// Endings by which a path with a slash is a file of this repository.
const ENDINGS: &[&str] =
    &[".rs", ".md", ".toml", ".html", ".json", ".py", ".js", ".css", ".yaml", ".example"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn exists(path: &str) -> bool {
    [root().to_owned(), root().join("src")].iter().any(|base| base.join(path).exists())
}

/// The text looks like a path of this repository: it begins with one of its folders, or ends like one of its files.
fn is_path(text: &str) -> bool {
    let plain = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "/._-".contains(letter));
    let Some((first, _)) = text.split_once('/').filter(|(first, _)| plain && !first.is_empty()) else {
        return false;
    };
    root().join(first).is_dir()
        || root().join("src").join(first).is_dir()
        || ENDINGS.iter().any(|end| text.ends_with(end))
}

/// What a line names as a path: in backticks, or as the target of a link.
fn named(line: &Line) -> Vec<String> {
    let quoted = line.text.split('`').skip(1).step_by(2).filter(|text| is_path(text));
    let mut found: Vec<String> = quoted.map(str::to_owned).collect();
    let folder = Path::new(&line.path).parent().unwrap_or(Path::new(""));
    for target in line.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        let target = target.split('#').next().unwrap_or_default();
        if !target.is_empty() && !target.contains(':') && line.path.ends_with(".md") {
            found.push(folder.join(target).to_string_lossy().into_owned());
        }
    }
    found
}

fn missing(lines: &[Line]) -> Vec<String> {
    let mut findings = Vec::new();
    for line in lines {
        for path in named(line).into_iter().filter(|path| !exists(path)) {
            findings
                .push(format!("{}:{}: there is no {path}; name where it is today", line.path, line.number));
        }
    }
    findings
}

#[test]
fn the_paths_that_documents_name_exist() {
    let sample = "See `src/nowhere/mod.rs`, `store/nowhere/`, [this](NOWHERE.md) and `gateway/mod.rs`.\n```\n`src/no.rs`\n```\n`/v1/models` and `a/b`";
    assert_eq!(missing(&prose("docs/SAMPLE.md", sample)).len(), 3);
    let mut lines = documents();
    for source in Source::read(&["src", "entity/src", "migration/src", "tests"]) {
        let headers = source.text.lines().enumerate().filter(|(_, line)| line.starts_with("//!"));
        lines.extend(headers.map(|(index, line)| Line {
            path: source.path.clone(),
            number: index + 1,
            text: line.to_owned(),
        }));
    }
    let findings = missing(&lines);
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// How many files and folders each folder of `src` holds.
fn siblings(paths: &[String]) -> BTreeMap<String, usize> {
    let mut entries: BTreeMap<String, std::collections::BTreeSet<String>> = BTreeMap::new();
    for path in paths {
        let parts: Vec<&str> = path.split('/').collect();
        for at in 1..parts.len() {
            if parts[at] != "mod.rs" {
                entries.entry(parts[..at].join("/")).or_default().insert(parts[at].to_owned());
            }
        }
    }
    entries.into_iter().map(|(folder, inside)| (folder, inside.len())).collect()
}

fn wide(paths: &[String]) -> Vec<String> {
    let allowed = |folder: &str| {
        WIDE_FOLDERS.iter().find(|(wide, ..)| *wide == folder).map_or(MOST_SIBLINGS, |(_, most, _)| *most)
    };
    let folders = siblings(paths).into_iter().filter(|(folder, count)| *count > allowed(folder));
    let finding = |(folder, count): (String, usize)| {
        format!(
            "{folder}: {count} files and folders, at most {}; name the groups among them",
            allowed(&folder)
        )
    };
    folders.map(finding).collect()
}

#[test]
fn a_folder_can_be_surveyed() {
    let many = |count: usize| (0..count).map(|number| format!("src/a/f{number}.rs")).collect::<Vec<_>>();
    assert_eq!((wide(&many(MOST_SIBLINGS)).len(), wide(&many(MOST_SIBLINGS + 1)).len()), (0, 1));
    let paths: Vec<String> = Source::read(&["src"]).into_iter().map(|source| source.path).collect();
    let findings = wide(&paths);
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
