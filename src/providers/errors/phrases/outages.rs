//! Whether the message of a server error is about an outage, which no request causes.

use super::message::Message;

/// An outage of the provider, with a status that a single request may cause as well.
const OUTAGES: &[&[&str]] = &[
    &["overload"],
    &["service unavailable"],
    &["temporarily unavailable"],
    &["currently unavailable"],
    &["no healthy"],
    &["connection refused"],
    &["maintenance"],
    &["at capacity"],
    &["out of capacity"],
    &["no capacity"],
    &["insufficient capacity"],
    &["high demand"],
    &["high load"],
    &["no available"],
    &["shutting down"],
];

/// Other words about an outage, where the status says already that the service is not available.
const BUSY: &[&[&str]] = &[
    &["unavailable"],
    &["capacity"],
    &["busy"],
    &["try again"],
    &["retry"],
    &["temporar"],
    &["not ready"],
    &["loading"],
    &["starting"],
    &["offline"],
    &["upstream connect error"],
    &["throttl"],
    &["too many requests"],
];

/// Whether the message is about an outage.
pub(super) fn says_outage(status: u16, message: &Message) -> bool {
    let outage = if status >= 500 { OUTAGES } else { &[] };
    let busy = if status == 503 { BUSY } else { &[] };
    outage.iter().chain(busy).any(|parts| message.fits(parts))
}

#[cfg(test)]
mod tests {
    use super::super::normalized;
    use super::*;

    #[test]
    fn parts_are_normalized() {
        for part in OUTAGES.iter().chain(BUSY).flat_map(|parts| parts.iter()) {
            assert_eq!(&normalized(part), part);
        }
    }
}
