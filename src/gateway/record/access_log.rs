//! One structured log line per finished request: target `failsoft::access`, level debug, so it is off by default.

use crate::domain::closed_set::Stored;
use crate::store::RequestRow;
use tracing::{Level, debug, enabled};

const TARGET: &str = "failsoft::access";

/// Whether `FAILSOFT_LOG` asks for the line. Nothing is built for it otherwise.
pub(super) fn is_enabled() -> bool {
    enabled!(target: TARGET, Level::DEBUG)
}

/// Writes the line: ids, names of the catalog and numbers only, no text of the caller or of a provider.
pub(super) fn write(row: &RequestRow) {
    debug!(
        target: TARGET,
        request_id = %row.id,
        organization_id = %row.organization_id,
        key_id = row.api_key_id.map(display),
        endpoint = %row.endpoint,
        requested_model = %row.requested_model,
        served_model = row.served_model.as_deref(),
        served_provider = row.served_provider.as_deref(),
        outcome = %row.outcome,
        error_class = row.error_class.as_ref().map(Stored::as_str),
        status = row.status_code,
        streamed = row.streamed,
        attempts = row.upstream_calls,
        fallbacks = row.hops,
        ms = row.total_ms,
        input_tokens = row.input_tokens,
        output_tokens = row.output_tokens,
        cost_nano_dollars = row.cost_nano_dollars,
        origin = %row.origin,
        "request finished"
    );
}
