//! What was delivered of a stream, for its bill.

use crate::gateway::call::first_frame::FrameReader;
use crate::gateway::usage::meter::Delivered;

/// What was delivered of a stream until now.
pub(super) fn delivered(reader: &FrameReader) -> Delivered<'_> {
    let seen = &reader.seen;
    let anything = seen.choices.content || seen.choices.finished;
    let whole = Delivered::whole(seen.reported(), &seen.size, anything, seen.extras || seen.uncounted);
    let model = seen.upstream_model.as_deref();
    Delivered { early: seen.early, since_usage: seen.since_usage, model, ..whole }
}

/// What was delivered of a stream that its provider did not end. A usage before the last choice has ended, even one
/// beside the last content, can be that of a part, unless it is that of a response that failed.
pub(super) fn cut_off(reader: &FrameReader) -> Delivered<'_> {
    let delivered = delivered(reader);
    Delivered {
        early: delivered.early || !(reader.seen.choices.is_over() || reader.seen.settled),
        ..delivered
    }
}
