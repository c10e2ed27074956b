//! Reading response bodies: errors of the HTTP client as faults, error bodies, and the memory share that holds them.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::time::timeout;

use super::classify::{ConnectFault, Fault, Garbage, TimeoutKind};
use crate::domain::error::Error;
use crate::limits::shares::{HeldBytes, SMALL};
use crate::upstream::{SendError, UpstreamResponse};

/// The most bytes of an error body that are kept.
const MAX_ERROR: usize = 64 * 1024;
/// The most bytes of an error body that are read, so that the connection can be reused.
const MAX_DRAIN: usize = 1024 * 1024;
/// The longest time for reading an error body, so that a broken provider does not delay the next one.
const DRAIN: Duration = Duration::from_millis(500);

/// The fault for a failed request.
pub(in crate::gateway) fn send_fault(error: SendError) -> Fault {
    Fault::Connect(match error {
        SendError::Refused => ConnectFault::Refused,
        SendError::Reset | SendError::Ended => ConnectFault::Reset,
        SendError::Dns => ConnectFault::Dns,
        SendError::Tls => ConnectFault::Tls,
        SendError::Blocked => ConnectFault::Blocked,
        SendError::ConnectTimeout => return Fault::Timeout(TimeoutKind::Connect),
        SendError::NotHttp | SendError::Other => ConnectFault::Other,
    })
}

/// The fault for a response body that failed while it was read.
pub(in crate::gateway) fn body_fault(error: SendError) -> Fault {
    match error {
        SendError::Ended => Fault::Garbage(Garbage::Truncated),
        SendError::NotHttp | SendError::Other => Fault::Garbage(Garbage::Framing),
        SendError::Reset
        | SendError::Refused
        | SendError::Dns
        | SendError::Tls
        | SendError::Blocked
        | SendError::ConnectTimeout => send_fault(error),
    }
}

/// Counts an answer against the memory share, once it is more than a small one.
pub(in crate::gateway) fn hold(held: &mut HeldBytes, size: usize) -> Result<(), Fault> {
    if size <= SMALL && held.size() == 0 {
        return Ok(());
    }
    held.resize(size).map_err(|refused| {
        let by_others = matches!(refused, Error::Busy);
        Fault::Garbage(if by_others { Garbage::Busy } else { Garbage::NoRoom })
    })
}

/// Reads the beginning of an error body; read errors end it.
pub(in crate::gateway) async fn error_body(response: &mut UpstreamResponse) -> Bytes {
    let mut gathered = BytesMut::new();
    let mut drained = 0;
    let drain = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            drained += chunk.len();
            let room = MAX_ERROR.saturating_sub(gathered.len()).min(chunk.len());
            gathered.extend_from_slice(chunk.get(..room).unwrap_or_default());
            if drained > MAX_DRAIN {
                break;
            }
        }
    };
    // A slow error body is cut, because the status is enough.
    let _ = timeout(DRAIN, drain).await;
    gathered.freeze()
}
