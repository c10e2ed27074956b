//! The limit of open files, which includes connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files besides the connections of requests: the database, listeners, logs, idle connections.
const OTHERS: u64 = 256;

/// Raises the limit as far as this process may, and returns it. `None`: there is no limit.
///
/// Systems start a process with a soft limit of 1,024 for compatibility. Each request needs two or three.
pub(super) fn raise() -> Option<u64> {
    let before = getrlimit(Resource::Nofile);
    if before.current == before.maximum {
        return before.current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum }) {
        Ok(()) => {
            tracing::info!(from = ?before.current, to = ?before.maximum, "raised the limit of open files");
            before.maximum
        }
        Err(error) => {
            tracing::warn!(%error, limit = ?before.current, "cannot raise the limit of open files; raise it with ulimit -n or LimitNOFILE");
            before.current
        }
    }
}

/// The number of concurrent requests for a limit of open files. Each request has a connection to its caller and one to a
/// provider, and a simulated provider has the other end of that one here as well.
pub(super) fn requests(limit: Option<u64>) -> usize {
    let limit = limit.unwrap_or(u64::MAX);
    let requests = limit.saturating_sub(OTHERS.min(limit / 4)) / 3;
    usize::try_from(requests).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_open_is_what_may_be_under_way() {
        assert_eq!((requests(Some(1_024)), requests(Some(256)), requests(Some(20_256))), (256, 64, 6_666));
        assert!(requests(None) > 1_000_000);
        let limit = raise();
        assert_eq!(limit, raise());
    }
}
