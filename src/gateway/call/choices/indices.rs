//! Sets of choices, by their indices.

/// A set of choice indices. The protocol allows 128 choices; higher indices count as the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Indices(u128);

impl Indices {
    /// The index that counts for itself and for all higher ones.
    pub(super) const LAST: usize = 127;

    pub(super) fn of(index: usize) -> Self {
        Self(1 << index.min(Self::LAST))
    }

    /// Adds the indices of another set.
    pub fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    /// The number of indices in the set.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// The number of indices below the last one.
    pub(super) fn count_below_last(self) -> u32 {
        (self.0 << 1).count_ones()
    }

    /// Whether the set is not empty and contains all of `others`.
    #[must_use]
    pub fn hold(self, others: Self) -> bool {
        self.0 != 0 && self.contain(others)
    }

    /// Whether the set contains all of `others`, which may be none.
    pub(super) fn contain(self, others: Self) -> bool {
        others.0 & !self.0 == 0
    }
}
