//! What is taken of a share, and given back when it is dropped: a place, or bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::{Kind, SMALL, Share};
use crate::domain::error::Result;

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub struct Slot {
    pub(super) share: Arc<Share>,
    pub(super) kind: Kind,
    pub(super) person: Option<Arc<AtomicUsize>>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.share.give_back(self.kind, 1);
        if let Some(person) = &self.person {
            person.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Bytes that are held for an organization, until this is dropped.
#[derive(Debug)]
pub struct HeldBytes {
    pub(super) share: Arc<Share>,
    pub(super) kind: Kind,
    pub(super) size: usize,
}

impl HeldBytes {
    /// Holds so many more.
    ///
    /// # Errors
    /// They do not fit into what is left; what was held before still is.
    pub fn grow(&mut self, by: usize) -> Result<()> {
        if self.kind == Kind::Small && (self.size + by > SMALL || self.share.take(Kind::Small, by).is_err()) {
            // From now on it is a large one, as a whole.
            self.share.take(Kind::Large, self.size + by)?;
            self.share.give_back(Kind::Small, self.size);
            self.kind = Kind::Large;
        } else if self.kind != Kind::Small {
            self.share.take(self.kind, by)?;
        }
        self.size += by;
        Ok(())
    }

    /// Holds so many in all.
    ///
    /// # Errors
    /// As [`HeldBytes::grow`].
    pub fn resize(&mut self, size: usize) -> Result<()> {
        if size > self.size {
            return self.grow(size - self.size);
        }
        self.share.give_back(self.kind, self.size - size);
        self.size = size;
        Ok(())
    }

    /// How many are held.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// The bytes themselves, which are held until the last reference to them is gone: while they are sent, too.
    #[must_use]
    pub fn bind(self, bytes: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        Bytes::from_owner(Bound { bytes, _held: self })
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.share.give_back(self.kind, self.size);
    }
}

struct Bound<B> {
    bytes: B,
    _held: HeldBytes,
}

impl<B: AsRef<[u8]>> AsRef<[u8]> for Bound<B> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}
