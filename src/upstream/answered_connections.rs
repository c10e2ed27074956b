//! Remembers which connections have answered before. A provider may close an idle connection at any moment, even
//! while the next request is in flight on it, and that does not mean that the provider failed.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use hyper_util::client::legacy::connect::HttpInfo;

/// For each local port, a fingerprint of the remote address. Identifies a connection without a lookup.
#[derive(Debug)]
pub(super) struct AnsweredConnections(Box<[AtomicU32]>);

impl AnsweredConnections {
    pub(super) fn new() -> Self {
        Self((0..=u16::MAX).map(|_| AtomicU32::new(0)).collect())
    }

    /// Records that the response's connection has answered. Returns whether it had before.
    pub(super) fn note(&self, response: &reqwest::Response) -> bool {
        let Some(info) = response.extensions().get::<HttpInfo>() else { return false };
        let mark = mark_of(info.remote_addr());
        let known = self.0.get(usize::from(info.local_addr().port()));
        known.is_some_and(|known| known.swap(mark, Ordering::Relaxed) == mark)
    }

    /// Whether the connection on which this error occurred had answered before.
    pub(super) fn holds(&self, error: &reqwest::Error) -> bool {
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            if let Some(error) = inner.downcast_ref::<hyper_util::client::legacy::Error>()
                && let Some(connected) = error.connect_info()
            {
                let mut extras = http::Extensions::new();
                connected.get_extras(&mut extras);
                return extras.get::<HttpInfo>().is_some_and(|info| self.knows(info));
            }
            cause = inner.source();
        }
        false
    }

    fn knows(&self, info: &HttpInfo) -> bool {
        let mark = self.0.get(usize::from(info.local_addr().port()));
        mark.is_some_and(|mark| mark.load(Ordering::Relaxed) == mark_of(info.remote_addr()))
    }
}

/// The fingerprint of a remote address, never zero.
fn mark_of(remote: SocketAddr) -> u32 {
    let address = match remote.ip() {
        IpAddr::V4(address) => address.to_bits(),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            [bits, bits >> 32, bits >> 64, bits >> 96].iter().fold(0, |mark, part| {
                #[expect(clippy::cast_possible_truncation, reason = "a quarter at a time")]
                let part = *part as u32;
                mark ^ part
            })
        }
    };
    (address ^ (u32::from(remote.port()) << 15)) | 1
}
