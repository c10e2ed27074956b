//! A hash of a request, to tell whether several requests met with the same failure.

use std::hash::BuildHasher as _;

use super::chat_request::is_own;
use super::intent::Intent;
use super::labels::is_label;
use crate::domain::failure::evidence::Source;

/// The most bytes of values that are hashed.
const HASHED: usize = 64 * 1024;

impl Intent {
    /// A hash of the API key, to tell callers apart.
    pub(in crate::gateway) fn caller(&self) -> u64 {
        foldhash::quality::FixedState::default().hash_one(self.key.as_ref().map(|key| key.id))
    }

    /// The request as the source of a failure. `brought` says whether it brings what may have failed.
    pub(in crate::gateway) fn source(&self, brought: bool) -> Source {
        Source { request: self.fingerprint(), caller: self.caller(), plain: !brought }
    }

    /// A hash of the API key and of what a provider may refuse. Members that are for the gateway, or that only label the
    /// request, and their order do not count. Of long values, only the start and the length are hashed.
    pub(in crate::gateway) fn fingerprint(&self) -> u64 {
        let request = &self.request;
        let hashes = foldhash::quality::FixedState::default();
        let key = self.caller();
        let mut left = HASHED;
        let differs = |name: &str| name != "model" && !is_own(request.dialect, name) && !is_label(name);
        request.parts.iter().filter(|part| differs(&part.name)).fold(key, |sum, part| {
            let value = request.value(part);
            let start = value.get(..left).unwrap_or(value);
            left = left.saturating_sub(value.len());
            sum.wrapping_add(hashes.hash_one((part.name.as_str(), value.len(), start)))
        })
    }
}
