//! The output of commands: results to stdout, failures to stderr as one line.

use std::io::Write as _;

/// Writes text to stdout and flushes it, because a program may wait for the line.
///
/// # Errors
/// Stdout is closed.
pub(super) fn say(text: &str) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{text}")?;
    stdout.flush()
}

/// The same as [`say`], for a server: a closed stdout is not a reason to stop.
pub(super) fn announce(text: &str) {
    if let Err(error) = say(text) {
        tracing::warn!(%error, "standard output is closed");
    }
}

/// Writes a line for people to stderr, beside the logs.
pub(super) fn remark(text: &str) {
    // A closed stderr cannot be reported anywhere.
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes why a command failed, to stderr.
pub(super) fn failure(error: &anyhow::Error) {
    remark(&format!("failsoft: {}", one_line(error)));
}

/// An error and its causes in one line. A cause that an error repeats is written once.
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
