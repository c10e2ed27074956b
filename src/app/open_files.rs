//! The open files that this process may have, which its connections are counted among.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that are no connection of a request: the database, listeners, logs, connections that are idle.
const OTHERS: u64 = 256;

/// Raises the limit as far as this process may, and returns it; none: there is none.
///
/// Systems start a process with a soft limit of 1,024 for the sake of old programs. Each request takes two or three.
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

/// Requests that may be under way at once: each has a connection of its caller and one of a provider, which has its other
/// end here, too, where the provider is the simulated one.
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
