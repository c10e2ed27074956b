//! Templates can be read in a diff: their lines are short.

use std::fs::{read_dir, read_to_string};
use std::path::Path;

const LONGEST_LINE: usize = 160;

fn long_lines(path: &str, text: &str) -> Vec<String> {
    let lengths = text.lines().map(|line| line.chars().count());
    let long = lengths.enumerate().filter(|(_, length)| *length > LONGEST_LINE);
    long.map(|(index, length)| {
        format!(
            "{path}:{}: {length} characters of {LONGEST_LINE}; wrap it between block elements, attributes or tags, and trim \
             with '{{%-' where white space would show",
            index + 1
        )
    })
    .collect()
}

/// Every `.html` file below a folder, as its path and text.
fn templates(folder: &Path) -> Vec<(String, String)> {
    let entries = read_dir(folder).expect("the folder is readable");
    let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                return templates(&path);
            }
            if path.extension().is_none_or(|extension| extension != "html") {
                return Vec::new();
            }
            let text = read_to_string(&path).expect("a template is readable");
            vec![(path.to_string_lossy().replace('\\', "/"), text)]
        })
        .collect()
}

#[test]
fn lines_of_templates_are_short() {
    let long = format!("<p>\n{}", "x".repeat(LONGEST_LINE + 1));
    assert!(long_lines("a.html", &long)[0].starts_with("a.html:2: "), "the rule does not see a long line");
    let found = templates(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates"));
    assert!(found.len() > 50, "the rule sees only {} templates", found.len());
    let findings: Vec<String> = found.iter().flat_map(|(path, text)| long_lines(path, text)).collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}
