//! What a command says: results to stdout, failures to stderr as one line.

use std::io::Write as _;

/// Writes text to stdout, and hands it on at once: who waits for a line may be a program.
///
/// # Errors
/// Nobody reads stdout any more.
pub(super) fn say(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// As [`say`], for a server: that nobody reads its output is no reason to stop.
pub(super) fn announce(text: &str) {
    if let Err(error) = say(text) {
        tracing::warn!(%error, "nobody reads standard output");
    }
}

/// Writes a line for people to stderr, beside the logs.
pub(super) fn remark(text: &str) {
    // There is nowhere left to say that stderr is closed.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes why a command failed.
pub(super) fn failure(error: &anyhow::Error) {
    remark(&format!("failsoft: {}", one_line(error)));
}

/// An error and its causes in one line. Many errors repeat their cause; that is said once.
pub(super) fn one_line(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.contains(&cause) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&cause);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn causes_are_named_once_and_on_one_line() {
        let error = anyhow!("no route\n  to host").context("cannot reach it: no route\n  to host");
        assert_eq!(one_line(&error), "cannot reach it: no route to host");
        assert_eq!(
            one_line(&error.context("cannot start")),
            "cannot start: cannot reach it: no route to host"
        );
    }
}
