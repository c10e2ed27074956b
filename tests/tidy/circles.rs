//! No circle of imports crosses a folder of `src/`, and none is large: a reader of one file must not need all others.

use std::collections::{BTreeMap, BTreeSet};

use crate::hold;
use crate::source::{Source, Word};

/// The most files that may import each other in a circle.
const LARGEST: usize = 5;

type Path = Vec<String>;

/// The imports between files, by module path. A re-export (`pub use`) is an alias and not an import; its users import the
/// item that it names.
struct Imports<'a> {
    files: BTreeMap<Path, &'a Source>,
    aliases: BTreeMap<Path, Path>,
    edges: BTreeMap<Path, BTreeSet<Path>>,
}

impl<'a> Imports<'a> {
    fn read(sources: &'a [Source]) -> Self {
        let inside =
            sources.iter().filter(|source| source.path.starts_with("src/") && !source.product.is_empty());
        let files: BTreeMap<Path, &Source> = inside.map(|source| (source.module(), source)).collect();
        let mut read = Self { files, aliases: BTreeMap::new(), edges: BTreeMap::new() };
        let found: Vec<(Path, Vec<Used>)> =
            read.files.iter().map(|(module, source)| (module.clone(), uses(source))).collect();
        for (module, used) in &found {
            for Used { path, public, .. } in used.iter().filter(|used| used.public && used.path.len() > 1) {
                debug_assert!(public);
                let name = path.last().cloned().unwrap_or_default();
                let place: Path = module.iter().cloned().chain([name]).collect();
                if place != *path {
                    read.aliases.insert(place, path.clone());
                }
            }
        }
        for (module, used) in found {
            let targets =
                used.iter().filter(|used| !used.public).filter_map(|used| read.file_of(&used.path, 0));
            let targets = targets.filter(|target| *target != module).collect();
            read.edges.insert(module, targets);
        }
        read
    }

    /// The file that a path refers to, through re-exports.
    fn file_of(&self, path: &[String], followed: usize) -> Option<Path> {
        let prefixes = || (1..=path.len()).rev().map(|length| path.split_at(length));
        let alias = prefixes().find_map(|(start, rest)| Some((self.aliases.get(start)?, rest)));
        if let Some((meant, rest)) = alias.filter(|_| followed < 10) {
            return self.file_of(&[meant.as_slice(), rest].concat(), followed + 1);
        }
        prefixes().map(|(start, _)| start.to_vec()).find(|start| self.files.contains_key(start))
    }

    /// Every file that can be reached from this one.
    fn reachable(&self, from: &Path) -> BTreeSet<Path> {
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<&Path> = self.edges.get(from).into_iter().flatten().collect();
        while let Some(next) = waiting.pop() {
            if seen.insert(next.clone()) {
                waiting.extend(self.edges.get(next).into_iter().flatten());
            }
        }
        seen
    }

    /// The sets of files that all reach each other.
    fn circles(&self) -> BTreeSet<BTreeSet<Path>> {
        let reachable: BTreeMap<&Path, BTreeSet<Path>> =
            self.edges.keys().map(|module| (module, self.reachable(module))).collect();
        let circle = |module: &&Path| -> BTreeSet<Path> {
            let back = |other: &&Path| reachable.get(*other).is_some_and(|from| from.contains(*module));
            reachable[*module].iter().filter(back).cloned().collect()
        };
        reachable.keys().map(circle).filter(|circle| circle.len() > 1).collect()
    }
}

/// A path that a file names.
struct Used {
    path: Path,
    /// It is re-exported under this file's own name.
    public: bool,
}

/// What a file names inside the crate: by `crate::` and `super::`, or by one of its own modules.
fn uses(source: &Source) -> Vec<Used> {
    let text = |at: usize| source.product.get(at).map_or("", |word: &Word| word.text.as_str());
    let mut found = Vec::new();
    for reference in source.references_with_children() {
        let at = reference.at;
        // `pub(in crate::gateway)` imports nothing.
        if at > 0 && text(at - 1) == "in" {
            continue;
        }
        let public = at > 1 && text(at - 1) == "use" && [")", "pub"].contains(&text(at - 2));
        found.extend(reference.paths.into_iter().map(|path| Used { path, public }));
    }
    found
}

fn top(path: &Path) -> &str {
    path.first().map_or("", String::as_str)
}

fn circles_are_small(sources: &[Source]) -> Vec<String> {
    let imports = Imports::read(sources);
    let mut findings = Vec::new();
    for circle in imports.circles() {
        let names: Vec<String> = circle.iter().map(|path| path.join("::")).collect();
        let folders: BTreeSet<&str> = circle.iter().map(top).collect();
        let file =
            circle.iter().find_map(|path| imports.files.get(path)).map_or("src", |source| &source.path);
        if folders.len() > 1 {
            findings.push(format!(
                "{file}:1: a circle of imports crosses folders: {}; move what both need down to domain",
                names.join(", ")
            ));
        } else if circle.len() > LARGEST {
            findings.push(format!(
                "{file}:1: {} files import each other: {}; move what they share to a file of its own",
                circle.len(),
                names.join(", ")
            ));
        }
    }
    findings
}

#[test]
fn no_circle_of_imports_crosses_a_folder_or_is_large() {
    hold(circles_are_small, &[]);
    let samples = |samples: &[(&str, &str)]| {
        let sources: Vec<Source> = samples.iter().map(|(path, code)| Source::new(path, code)).collect();
        circles_are_small(&sources).len()
    };
    let across = [("src/a/mod.rs", "use crate::b::B;"), ("src/b/mod.rs", "fn f() { crate::a::g() }")];
    assert_eq!(samples(&across), 1);
    let named_elsewhere = [
        ("src/a/mod.rs", "mod deep; pub use deep::A;"),
        ("src/a/deep.rs", "use crate::b::B;"),
        ("src/b/mod.rs", "use crate::a::A;"),
    ];
    assert_eq!(samples(&named_elsewhere), 1);
    let none = [
        ("src/a/mod.rs", "mod deep; pub use deep::A; pub(in crate::b) fn f() {}"),
        ("src/a/deep.rs", "pub struct A;"),
        ("src/b/mod.rs", "use crate::a::A;"),
    ];
    assert_eq!(samples(&none), 0);
    let many: Vec<(String, String)> = (0..=LARGEST)
        .map(|number| {
            (format!("src/a/f{number}.rs"), format!("use super::f{};", (number + 1) % (LARGEST + 1)))
        })
        .collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(path, code)| (path.as_str(), code.as_str())).collect();
    assert_eq!(samples(&many), 1);
}
