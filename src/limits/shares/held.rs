//! Parts of a share that are returned when they are dropped: slots and bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use super::{Kind, SMALL, Share};
use crate::domain::error::Result;

/// A slot for a request, a call or a stream. Dropping it frees the slot.
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

/// Bytes in memory that count toward an organization's share until this is dropped.
#[derive(Debug)]
pub struct HeldBytes {
    pub(super) share: Arc<Share>,
    pub(super) kind: Kind,
    pub(super) size: usize,
}

impl HeldBytes {
    /// Adds `by` bytes.
    ///
    /// # Errors
    /// The share has too little left. The bytes held before stay counted.
    pub fn grow(&mut self, by: usize) -> Result<()> {
        if self.kind == Kind::Small && (self.size + by > SMALL || self.share.take(Kind::Small, by).is_err()) {
            // All of it moves to the pool for large bodies.
            self.share.take(Kind::Large, self.size + by)?;
            self.share.give_back(Kind::Small, self.size);
            self.kind = Kind::Large;
        } else if self.kind != Kind::Small {
            self.share.take(self.kind, by)?;
        }
        self.size += by;
        Ok(())
    }

    /// Changes the number of bytes to `size`.
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

    /// The number of bytes held.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Attaches the count to the bytes: they count until the last reference is dropped, including while they are
    /// sent.
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
