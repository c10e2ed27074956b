//! Relays a whole answer: writes our names into it, meters its usage, and records the request before it is sent.

use std::borrow::Cow;

use super::answer::{Answer, AnswerBody};
use super::options::ResponseOptions;
use crate::domain::error::Result;
use crate::gateway::call::frame::{Inspected, Names};
use crate::gateway::call::outcome::{WholeAnswer, WholeReply};
use crate::gateway::record::request_recorder::RequestRecorder;
use crate::gateway::usage::meter::{Delivered, Meter};
use crate::gateway::usage::pricing::Usage;
use crate::store::snapshot::ModelEntry;

/// Relays a whole answer. `mark` is that of what its provider stores.
///
/// # Errors
/// As [`relay`](super::relay::relay).
pub(super) async fn relay_whole(
    whole: WholeReply,
    (model, mark): (&ModelEntry, Option<String>),
    mut recorder: RequestRecorder,
    meter: &Meter,
    options: ResponseOptions,
) -> Result<Answer> {
    let WholeReply { status, body, answer, content_type, mut held } = whole;
    let mut out = Vec::with_capacity(body.len() + 96);
    let mut usage = Usage::default();
    let measured = |seen: &Inspected| match &answer {
        WholeAnswer::Message(_) if meter.samples(&seen.usage, body.len()) => {
            Inspected::size(options.dialect, &body)
        }
        WholeAnswer::Message(_) | WholeAnswer::Result(_) | WholeAnswer::Blocked => seen.choices.size,
    };
    match answer.seen() {
        Some(seen) => {
            let (choices, size) = (seen.choices, measured(seen));
            let anything = choices.content || choices.finished;
            let delivered = Delivered::whole(seen.usage, &size, anything, choices.extras);
            usage = meter.whole(Delivered { model: seen.upstream_model(&body), ..delivered });
            let mut extra = Vec::new();
            if !seen.fingerprint {
                extra.push(Cow::Borrowed("\"system_fingerprint\":null"));
            }
            if options.metadata && content_type.is_none() {
                let metadata = recorder.metadata(&recorder.routing(), &usage);
                extra.push(Cow::Owned(format!("\"failsoft\":{metadata}")));
            }
            let names = Names::of(options.dialect, model).marked(mark);
            seen.write(&body, &mut out, &names, &extra);
        }
        // A blocked prompt that no other candidate answered is passed on unchanged.
        None => out.extend_from_slice(&body),
    }
    drop(body);
    let body = match held.size() {
        0 => out.into(),
        _ => {
            held.resize(held.size().min(out.len()))?;
            held.bind(out)
        }
    };
    Box::pin(recorder.finish_answered(usage)).await?;
    Ok(Answer { status, routing: recorder.routing(), body: AnswerBody::Whole(body), content_type })
}
