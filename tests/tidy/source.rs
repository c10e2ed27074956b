//! Reads Rust source as words for the rules: including macros, without comments and the content of literals.

use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// An identifier or a mark, and its line, from 1. `::` and `=>` are one mark; every literal is `""`.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// One file of Rust source.
pub(crate) struct Source {
    /// From the root of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Every word of code.
    pub(crate) words: Vec<Word>,
    /// The words that ship: without the items under `#[cfg(test)]`, and none in a file of tests.
    pub(crate) product: Vec<Word>,
}

/// A path inside the crate that a file refers to, from the crate's root: `["store", "page", "Page"]`.
#[derive(Debug)]
pub(crate) struct Reference {
    pub(crate) line: usize,
    pub(crate) path: Vec<String>,
}

/// The paths of one `use`, or one path in an expression.
pub(crate) struct Group {
    /// The index of its first word in [`Source::product`].
    pub(crate) at: usize,
    pub(crate) paths: Vec<Vec<String>>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path} is not Rust: {error}"));
        let mut words = Vec::new();
        flatten(tokens, &mut words);
        let tests_only =
            path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("/tests.rs");
        let product = if tests_only { Vec::new() } else { without_tests(&words) };
        Self { path: path.to_owned(), text: text.to_owned(), words, product }
    }

    /// Every `.rs` file below the folders, sorted by path.
    pub(crate) fn read(folders: &[&str]) -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files: Vec<PathBuf> =
            folders.iter().flat_map(|folder| rust_files(&root.join(folder))).collect();
        files.sort();
        let read = |file: &PathBuf| {
            let path =
                file.strip_prefix(root).expect("it is below the root").to_string_lossy().replace('\\', "/");
            Self::new(&path, &std::fs::read_to_string(file).expect("a source file is readable"))
        };
        files.iter().map(read).collect()
    }

    /// The module path of the file: `src/api/openai/mod.rs` is `["api", "openai"]`, `src/lib.rs` is `[]`.
    pub(crate) fn module(&self) -> Vec<String> {
        let inside = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        let parts = inside.split('/').map(str::to_owned);
        parts.filter(|part| !["mod", "lib", "main"].contains(&part.as_str())).collect()
    }

    /// The paths with `crate::` or `super::` in this file outside of tests, with groups expanded.
    pub(crate) fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        for index in 0..self.product.len() {
            if let Some((at, base)) = self.path_start(index) {
                expand(&self.product, at, base, &mut found);
            }
        }
        found
    }

    /// The same as [`Source::references`], including paths that begin with a module of this file, each group with the index
    /// of its first word.
    pub(crate) fn references_with_children(&self) -> Vec<Group> {
        let text = |at: usize| self.product.get(at).map_or("", |word| word.text.as_str());
        let declares = |at: &usize| text(*at) == "mod" && text(at + 2) == ";";
        let children: Vec<&str> = (0..self.product.len()).filter(declares).map(|at| text(at + 1)).collect();
        let mut found = Vec::new();
        for at in 0..self.product.len() {
            let of_child =
                children.contains(&text(at)) && text(at + 1) == "::" && (at == 0 || text(at - 1) != "::");
            let start = self.path_start(at).or_else(|| of_child.then(|| (at, self.module())));
            if let Some((next, base)) = start {
                let mut paths = Vec::new();
                expand(&self.product, next, base, &mut paths);
                found.push(Group { at, paths: paths.into_iter().map(|reference| reference.path).collect() });
            }
        }
        found
    }

    /// If a path into the crate starts at this word: the index after `crate::` or `super::super::`, and the module that it
    /// starts from.
    fn path_start(&self, index: usize) -> Option<(usize, Vec<String>)> {
        let is = |at: usize, text: &str| self.product.get(at).is_some_and(|word| word.text == text);
        if index > 0 && is(index - 1, "::") {
            return None;
        }
        if is(index, "crate") && is(index + 1, "::") {
            return Some((index + 2, Vec::new()));
        }
        let (mut at, mut base) = (index, self.module());
        while is(at, "super") && is(at + 1, "::") {
            base.pop();
            at += 2;
        }
        (at > index).then_some((at, base))
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("a folder is readable").path());
    let below = |path: PathBuf| match path.is_dir() {
        true => rust_files(&path),
        false => Vec::from_iter(path.extension().is_some_and(|kind| kind == "rs").then_some(path)),
    };
    paths.flat_map(below).collect()
}

fn flatten(tokens: TokenStream, words: &mut Vec<Word>) {
    // The first character of a mark of two characters.
    let mut half: Option<char> = None;
    for token in tokens {
        let line = token.span().start().line;
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                words.push(Word { line, text: open.to_owned() });
                flatten(group.stream(), words);
                words.push(Word { line: group.span_close().end().line, text: close.to_owned() });
            }
            TokenTree::Ident(name) => {
                words.push(Word { line, text: name.to_string().trim_start_matches("r#").to_owned() });
            }
            TokenTree::Literal(_) => words.push(Word { line, text: "\"\"".to_owned() }),
            TokenTree::Punct(mark) => match (half.take(), mark.as_char()) {
                (Some(first), second) => words.push(Word { line, text: format!("{first}{second}") }),
                (None, first @ (':' | '=')) if mark.spacing() == Spacing::Joint => half = Some(first),
                (None, only) => words.push(Word { line, text: only.to_string() }),
            },
        }
    }
}

/// Leaves out each item under `#[cfg(test)]`, up to its closing brace or semicolon.
fn without_tests(words: &[Word]) -> Vec<Word> {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if words[at..].iter().map(|word| word.text.as_str()).take(ATTRIBUTE.len()).eq(ATTRIBUTE) {
            at += words[at..].iter().take_while(|word| !["{", ";"].contains(&word.text.as_str())).count();
            at = block_end(words, at);
        } else {
            kept.push(words[at].clone());
        }
        at += 1;
    }
    kept
}

/// The index of the brace that closes the one at `open`; `open` itself if there is none.
pub(crate) fn block_end(words: &[Word], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, word) in words.iter().enumerate().skip(open) {
        match word.text.as_str() {
            "{" => depth += 1,
            "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    words.len()
}

/// Adds the path or group of paths at `at`, below `base`. Returns the index after it.
fn expand(words: &[Word], mut at: usize, mut base: Vec<String>, found: &mut Vec<Reference>) -> usize {
    let text = |at: usize| words.get(at).map_or("", |word| word.text.as_str());
    let line = words.get(at).map_or(0, |word| word.line);
    while text(at).starts_with(|first: char| first.is_alphabetic() || first == '_') {
        base.push(text(at).to_owned());
        at += 1;
        if text(at) != "::" {
            found.push(Reference { line, path: base });
            return if text(at) == "as" { at + 2 } else { at };
        }
        at += 1;
    }
    if text(at) != "{" {
        found.push(Reference { line, path: base });
        return at + 1;
    }
    at += 1;
    while !["}", ""].contains(&text(at)) {
        at = if text(at) == "," { at + 1 } else { expand(words, at, base.clone(), found) };
    }
    at + 1
}

mod tests {
    use super::*;

    fn texts(words: &[Word]) -> Vec<&str> {
        words.iter().map(|word| word.text.as_str()).collect()
    }

    #[test]
    fn comments_and_literals_hide_what_they_hold_and_lines_stay_right() {
        let code = "// argon2\nlet a = \"argon2 { \\\" \"; /* x /* } */ */ r#\"\n \"#;\nr#type => std::_";
        let source = Source::new("src/a.rs", code);
        let expected = ["let", "a", "=", "\"\"", ";", "\"\"", ";", "type", "=>", "std", "::", "_"];
        assert_eq!(texts(&source.words), expected);
        assert_eq!(source.words.last().expect("there are words").line, 4);
    }

    #[test]
    fn what_is_compiled_for_tests_alone_does_not_ship() {
        let code = "fn a() {}\n#[cfg(test)]\nuse b::c;\n#[cfg(test)]\n#[path = \"x\"]\nmod tests { fn e() { {} } }\nfn f();";
        let source = Source::new("src/a.rs", code);
        assert!(texts(&source.words).contains(&"e"));
        assert_eq!(texts(&source.product), ["fn", "a", "(", ")", "{", "}", "fn", "f", "(", ")", ";"]);
        assert!(Source::new("src/gateway/tests.rs", "fn a() {}").product.is_empty());
    }

    #[test]
    fn groups_and_relative_paths_are_taken_apart() {
        let code = "use crate::{store::{self, page::*},\n error::Error as E};\nuse super::super::form;\nfn f(_: crate::a::B::<u8>) {}";
        let references = Source::new("src/web/pages/list.rs", code).references();
        let shown = references.iter().map(|found| format!("{}:{}", found.line, found.path.join("::")));
        let expected = ["1:store::self", "1:store::page", "2:error::Error", "3:web::form", "4:a::B"];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }
}
