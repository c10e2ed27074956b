//! What each provider receives and what its answers become, byte for byte, in files under `tests/golden`: one per
//! preset and dialect, and one for answers. A change in them may affect bills or parsers, so review it.
//!
//! `INSTA_UPDATE=always cargo nextest run --test api golden` updates them.

mod answers;
mod cases;
mod messages;
mod requests;
mod vendor;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

/// Compares a text with a file under `tests/golden`.
fn hold(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(FOLDER);
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// The same text, with characters made visible that editors and diffs hide.
fn visible(text: &str) -> String {
    text.replace('\r', "␍").replace('\t', "␉")
}
