//! What a process may spend while the place of the counters is away.

/// The part of one process among those that live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    /// The number of processes that live, this one included.
    pub(super) live: u32,
    /// How many of them come before this one.
    pub(super) rank: u32,
}

impl Share {
    /// Divides what is left. The shares of all processes together are what is left, but each has at least 1 as long as
    /// anything is.
    pub(super) fn of(self, left: i64) -> i64 {
        if left <= 0 {
            return 0;
        }
        let live = i64::from(self.live.max(1));
        let more = i64::from(i64::from(self.rank) < left % live);
        (left / live + more).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_to_what_is_left() {
        for (left, live) in [(60, 3), (61, 3), (62, 3), (7, 5), (i64::MAX, 4), (3, 1), (2, 2)] {
            let shares = (0..live).map(|rank| Share { live, rank }.of(left));
            assert_eq!(shares.map(i128::from).sum::<i128>(), i128::from(left), "{left} among {live}");
        }
    }

    #[test]
    fn no_process_is_closed_as_long_as_something_is_left() {
        let of = |left| [0, 1, 2].map(|rank| Share { live: 3, rank }.of(left));
        assert_eq!((of(1), of(0), of(-5)), ([1, 1, 1], [0, 0, 0], [0, 0, 0]));
        assert_eq!(Share { live: 0, rank: 0 }.of(9), 9);
    }
}
