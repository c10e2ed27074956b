//! The operator's file of error sentences: read at the start, and again when it changes.
//!
//! An invalid file prevents a start. Later the previous sentences stay in use, and the log says why, once for each
//! version of the file.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::gateway::routing::call_feedback::SharedState;
use crate::providers::Sentences;
use crate::providers::errors::phrases::LONGEST_FILE;

/// How often the file is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Why a file of sentences is not used, in one line with the file, the cause and the remedy.
#[derive(Debug, thiserror::Error)]
#[error(
    "the file of sentences {path} cannot be used: {cause}. Correct it, or remove 'sentences' from [gateway]"
)]
pub struct SentencesError {
    path: PathBuf,
    cause: String,
}

/// Reads the file. Without one, returns the built-in sentences.
///
/// # Errors
/// The file cannot be read, or has another format.
pub fn read(path: Option<&Path>) -> Result<Sentences, SentencesError> {
    let Some(path) = path else { return Ok(Sentences::default()) };
    let error = |cause: String| SentencesError { path: path.to_owned(), cause };
    let file = std::fs::File::open(path).map_err(|cause| error(cause.to_string()))?;
    let mut text = String::new();
    let limit = u64::try_from(LONGEST_FILE).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_string(&mut text).map_err(|cause| error(cause.to_string()))?;
    if text.len() > LONGEST_FILE {
        return Err(error(format!("it is longer than {LONGEST_FILE} bytes")));
    }
    Sentences::parse(&text).map_err(|cause| error(cause.to_string()))
}

/// The version of the file, from its metadata.
fn version(path: &Path) -> Option<(SystemTime, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.modified().ok()?, found.len()))
}

/// Reads the file again when it changes.
pub(super) async fn follow(
    path: Option<PathBuf>,
    shared_state: Arc<SharedState>,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(path) = path else { return };
    let mut ticks = interval(CHECK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // It may have changed since the start read it.
    let mut seen = None;
    loop {
        tokio::select! {
            _ = stopped.changed() => return,
            _ = ticks.tick() => {}
        }
        let now = version(&path);
        if now == seen {
            continue;
        }
        seen = now;
        match read(Some(&path)) {
            Ok(sentences) => {
                tracing::info!(path = %path.display(), sentences = sentences.added(), "read the file of sentences");
                shared_state.sentences.store(Arc::new(sentences));
            }
            Err(error) => tracing::warn!(%error, "the previous sentences stay in use"),
        }
    }
}
