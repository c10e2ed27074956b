//! The `failsoft` object that an answer carries if its caller asks for it.

use memchr::memmem;
use serde::Serialize;

use crate::domain::attempt_report::AttemptReport;
use crate::domain::routing_info::RoutingInfo;

/// The `failsoft` object of an answer, for callers who ask for it or got no headers.
#[derive(Debug, Serialize)]
pub(crate) struct Metadata<'a> {
    /// Catalog name of the primary.
    pub requested: &'a str,
    /// What the response headers say.
    #[serde(flatten)]
    pub routing: &'a RoutingInfo,
    /// The cost in nano-dollars; null if a price is unknown.
    pub cost: Option<i64>,
    /// The attempts, in order.
    pub attempts: &'a [AttemptReport],
}

/// The end of a stream with the event of the gateway before its last event. Translations end with several at once.
#[must_use]
pub(super) fn before_the_last(event: &[u8], end: &[u8]) -> Vec<u8> {
    let last = memmem::rfind(end.trim_ascii_end(), b"\n\n").map_or(0, |blank| blank + 2);
    let (earlier, last) = end.split_at(last);
    [earlier, event, last].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_of_the_gateway_precedes_the_last_one() {
        for (end, expected) in [
            ("", "x"),
            ("\n\n", "x\n\n"),
            ("data: [DONE]\n\n", "xdata: [DONE]\n\n"),
            ("data: [DONE]\r\n\r\n", "xdata: [DONE]\r\n\r\n"),
            ("\n\ndata: [DONE]\n\n", "\n\nxdata: [DONE]\n\n"),
            ("event: a\ndata: 1\n\nevent: b\ndata: 2\n\n", "event: a\ndata: 1\n\nxevent: b\ndata: 2\n\n"),
        ] {
            assert_eq!(before_the_last(b"x", end.as_bytes()), expected.as_bytes(), "{end:?}");
        }
    }
}
