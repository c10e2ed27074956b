//! The rows that a trail leaves: what is stored of an attempt, of a failed candidate, and of the request.

use std::time::Duration;

use super::Trail;
use crate::domain::attempt_report::AttemptReport;
use crate::domain::error_class::ErrorClass;
use crate::domain::failure::Failure;
use crate::domain::outcome::Outcome;
use crate::gateway::routing::cooldown::OpenCooldown;
use crate::gateway::routing::plan::{Candidate, SkipReason};
use crate::store::recorder::{FallbackEventRecord, RequestRecord};

/// The most attempts that a row keeps.
const MAX_ATTEMPTS: usize = 64;

impl Trail {
    pub(super) fn report(
        &mut self,
        candidate: &Candidate,
        failure: Option<&Failure>,
        took: Duration,
        passed_over: bool,
        adapted: Vec<String>,
    ) {
        keep(
            &mut self.reports,
            AttemptReport {
                model: candidate.model.name.to_string(),
                provider: candidate.model.provider.name.to_string(),
                status: failure.and_then(|failure| failure.status),
                error_class: failure.map(|failure| failure.class),
                matched_rule: failure.filter(|_| !passed_over).map(|failure| failure.rule),
                duration_ms: millis(took).unsigned_abs(),
                passed_over,
                adapted,
            },
        );
    }

    pub(super) fn event(
        &self,
        candidate: &Candidate,
        failure: &Failure,
        attempts: i32,
        took: Duration,
    ) -> FallbackEventRecord {
        let now = self.clock.now();
        FallbackEventRecord {
            id: self.clock.new_id().into(),
            organization_id: self.context.organization_id,
            request_id: self.context.request_id.into(),
            failed_model: candidate.model.name.to_string(),
            next_model: None,
            error_class: failure.class.as_str().to_owned(),
            // PostgreSQL keeps no NUL in a text.
            error_message: Some(failure.message.replace('\0', "")),
            invocation_type: invocation_type(self.context.streamed).to_owned(),
            router_config_id: None,
            router_config_revision: None,
            session_id: self.context.session_id,
            session_ref: self.context.session_ref.clone(),
            hop: i32::try_from(self.hops + 1).unwrap_or(i32::MAX),
            attempts,
            status_code: failure.status.map(i32::from),
            matched_rule: (attempts > 0).then(|| failure.rule.to_owned()),
            duration_ms: millis(took),
            origin: self.origin.to_owned(),
            created_at: now,
            recorded_at: now,
        }
    }

    pub(super) fn row(&self, outcome: Outcome, class: Option<ErrorClass>, status: u16) -> RequestRecord {
        let context = &self.context;
        let usage = self.usage;
        let served = self.served.as_ref();
        let (cost, source) = self.bill(usage.as_ref());
        RequestRecord {
            id: context.request_id.into(),
            organization_id: context.organization_id,
            api_key_id: context.key.as_ref().map(|key| key.id.0),
            api_key_name: context.key.as_ref().map(|key| key.name.to_string()),
            requested_model: context.requested.clone(),
            served_model: served.map(|model| model.name.to_string()),
            served_provider: served.map(|model| model.provider.name.to_string()),
            outcome: outcome.as_str().to_owned(),
            error_class: class.map(|class| class.as_str().to_owned()),
            status_code: i32::from(status),
            endpoint: context.endpoint.to_owned(),
            invocation_type: invocation_type(context.streamed).to_owned(),
            streamed: context.streamed,
            input_tokens: usage.map(|usage| usage.input),
            output_tokens: usage.map(|usage| usage.output),
            cached_tokens: usage.map(|usage| usage.cached),
            reasoning_tokens: usage.map(|usage| usage.reasoning),
            cache_write_tokens: usage.map(|usage| usage.cache_write),
            usage_flag: usage.and_then(|usage| usage.flag).map(|flag| flag.as_str().to_owned()),
            cost_nano_dollars: cost,
            cost_source: source.map(|source| source.as_str().to_owned()),
            model_price_id: served.and_then(|model| model.price.as_ref()).and_then(|price| price.id),
            // What was delivered of an answer that was cut short is a matter of opinion.
            estimated: usage.is_some_and(|usage| {
                usage.estimated || matches!(outcome, Outcome::Interrupted | Outcome::ClientClosed)
            }),
            first_frame_ms: self.first_frame.map(millis),
            total_ms: millis(context.started.elapsed()),
            upstream_calls: i32::try_from(self.upstream_calls).unwrap_or(i32::MAX),
            hops: i32::try_from(self.hops).unwrap_or(i32::MAX),
            attempts: serde_json::to_value(&self.reports).unwrap_or_default(),
            session_id: context.session_id,
            session_ref: context.session_ref.clone(),
            client_retry_count: context.client_retry_count,
            origin: self.origin.to_owned(),
            created_at: context.created_at,
            recorded_at: context.created_at,
            instance_id: None,
        }
    }
}

/// A pass-over in the words of a failure.
#[must_use]
pub(super) fn passed_over_failure(skip_reason: &SkipReason, model: &str) -> Failure {
    let SkipReason { class, cooldown, over_budget } = skip_reason;
    let why = class.policy().passed_over.unwrap_or("it failed");
    let left = cooldown.as_ref().filter(|_| *class == ErrorClass::Cooldown);
    let left = left.map_or_else(String::new, |cooldown| {
        format!(" ({}; {} s left)", cooldown.failure.class, whole_seconds(cooldown.remaining))
    });
    let message = match over_budget {
        Some(over) => format!("The model '{model}' was not called: {over}."),
        None => format!("The model '{model}' was not called: {why}{left}."),
    };
    Failure::ours(*class, class.as_str(), &message)
}

/// What a caller reads whose every candidate is left alone.
pub(super) fn left_alone_message(cooldown: &OpenCooldown) -> String {
    format!(
        "Nobody was called: every model that could answer has been failing and is left alone, the first of them for another {} s. The last failure: {}",
        whole_seconds(cooldown.remaining),
        cooldown.failure.message
    )
}

/// Seconds, rounded up: after so many it is over.
fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

fn invocation_type(streamed: bool) -> &'static str {
    if streamed { "chat_completion_stream" } else { "chat_completion" }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The newest is always kept: it may be the one that answered.
fn keep(reports: &mut Vec<AttemptReport>, report: AttemptReport) {
    reports.truncate(MAX_ATTEMPTS - 1);
    reports.push(report);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_attempts_the_first_and_the_last_are_kept() {
        let report = |number: u64| AttemptReport {
            model: "m".to_owned(),
            provider: "p".to_owned(),
            status: None,
            error_class: None,
            matched_rule: None,
            duration_ms: number,
            passed_over: false,
            adapted: Vec::new(),
        };
        let mut reports = Vec::new();
        (0..100).for_each(|number| keep(&mut reports, report(number)));
        let kept: Vec<u64> = reports.iter().map(|report| report.duration_ms).collect();
        assert_eq!(kept, (0..63).chain([99]).collect::<Vec<_>>());
    }
}
