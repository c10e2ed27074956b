//! What each provider gets and what its answers become, word for word, in files under `tests/golden`: one for each
//! preset, one for answers. A change of them is a change for somebody's bill or somebody's parser, so it is read.
//!
//! `INSTA_UPDATE=always cargo nextest run --test api golden` writes them anew.

mod answers;
mod cases;
mod requests;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// Holds a text to a file under `tests/golden`.
fn hold(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(FOLDER);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The same text, with what an editor or a diff would not show made visible.
fn visible(text: &str) -> String {
    text.replace('\r', "␍").replace('\t', "␉")
}
