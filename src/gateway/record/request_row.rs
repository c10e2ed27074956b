//! The row of one request, built from its context, its attempts and the answer that was served.

use std::sync::Arc;
use std::time::Duration;

use super::attempt_log::{AttemptLog, millis};
use super::request_context::RequestContext;
use crate::domain::failure::class::ErrorClass;
use crate::domain::origin::Origin;
use crate::domain::outcome::Outcome;
use crate::gateway::usage::pricing::{CostSource, Usage};
use crate::store::RequestRow;
use crate::store::records::attempts::Attempts;
use crate::store::snapshot::ModelEntry;

/// The answer that goes to the caller.
#[derive(Debug, Default)]
pub(super) struct ServedAnswer {
    /// The model that answers; `None` as long as none does.
    pub(super) model: Option<Arc<ModelEntry>>,
    /// From the request to the first frame.
    pub(super) first_frame: Option<Duration>,
    /// The tokens that were delivered.
    pub(super) usage: Option<Usage>,
}

/// How a request ended, or that it is still running.
pub(super) struct RowEnd {
    pub(super) outcome: Outcome,
    pub(super) class: Option<ErrorClass>,
    pub(super) status: u16,
}

impl ServedAnswer {
    /// The cost in nano-dollars, `None` if it is unknown, and where that number comes from.
    pub(super) fn bill(&self, usage: Option<&Usage>) -> (Option<i64>, Option<CostSource>) {
        match (&self.model, usage) {
            (Some(model), Some(usage)) => usage.bill(model.settings.price.as_ref(), model.price_id),
            // No model answered, or nothing was delivered: nothing is billed.
            (Some(_) | None, _) => (Some(0), None),
        }
    }

    /// What is known of an unknown cost, in nano-dollars. Budgets count it.
    fn known_cost(&self, cost: Option<i64>) -> i64 {
        let price = self.model.as_ref().and_then(|model| model.settings.price.as_ref());
        match (cost, &self.usage) {
            (None, Some(usage)) => usage.known_part(price),
            (_, _) => 0,
        }
    }
}

/// Builds the request's row. `unbilled` is what budgets count, although the request is not billed for it.
pub(super) fn request_row(
    context: &RequestContext,
    origin: Origin,
    log: &AttemptLog,
    served: &ServedAnswer,
    end: &RowEnd,
    unbilled: i64,
) -> RequestRow {
    let usage = served.usage;
    let model = served.model.as_ref();
    let (cost, source) = served.bill(usage.as_ref());
    RequestRow {
        id: context.request_id.into(),
        organization_id: context.organization_id,
        api_key_id: context.key.as_ref().map(|key| key.id.0),
        api_key_name: context.key.as_ref().map(|key| (*key.name).to_owned()),
        requested_model: context.requested.clone(),
        served_model: model.map(|model| (*model.name).to_owned()),
        served_provider: model.map(|model| (*model.provider.name).to_owned()),
        outcome: end.outcome.into(),
        error_class: end.class.map(Into::into),
        status_code: i32::from(end.status),
        endpoint: context.endpoint().to_owned(),
        invocation_type: context.invocation_type().into(),
        streamed: context.streamed,
        input_tokens: usage.map(|usage| usage.input),
        output_tokens: usage.map(|usage| usage.output),
        cached_tokens: usage.map(|usage| usage.cached),
        reasoning_tokens: usage.map(|usage| usage.reasoning),
        cache_write_tokens: usage.map(|usage| usage.cache_write),
        usage_flag: usage.and_then(|usage| usage.flag).map(|flag| flag.as_str().to_owned()),
        cost_nano_dollars: cost,
        cost_source: source.map(|source| source.as_str().to_owned()),
        model_price_id: model.and_then(|model| model.price_id),
        // How much of an incomplete answer was delivered is always an estimate.
        estimated: usage.is_some_and(|usage| {
            usage.estimated || matches!(end.outcome, Outcome::Interrupted | Outcome::ClientClosed)
        }),
        first_frame_ms: served.first_frame.map(millis),
        total_ms: millis(context.started.elapsed()),
        upstream_calls: i32::try_from(log.upstream_calls()).unwrap_or(i32::MAX),
        hops: i32::try_from(log.hops()).unwrap_or(i32::MAX),
        attempts: Attempts::of(log.reports()),
        session_id: context.session_id,
        session_ref: context.session_ref.clone(),
        client_retry_count: context.client_retry_count,
        origin: origin.into(),
        created_at: context.created_at,
        recorded_at: context.created_at,
        instance_id: None,
        budget_only_nano_dollars: served.known_cost(cost).saturating_add(unbilled),
    }
}
