//! Events, reports and totals of the attempts of one request.

use std::sync::Arc;
use std::time::Instant;

use entity::ids::OrganizationId;

use super::*;
use crate::store::snapshot::{ProviderEntry, samples};

const SECOND: Duration = Duration::from_secs(1);

fn candidate(name: &str) -> Candidate {
    let provider = ProviderEntry { name: "provider".into(), ..samples::provider("custom") };
    let mut model = samples::model(name, provider);
    model.settings.first_frame_timeout_ms = Some(1_000);
    model.settings.answer_timeout_ms = Some(1_000);
    Candidate { model: Arc::new(model), chain: None, primary: false, chosen: None }
}

fn context() -> RequestContext {
    RequestContext {
        request_id: Uuid::from_u128(1),
        organization_id: OrganizationId(Uuid::from_u128(2)),
        key: None,
        dialect: crate::dialects::CallerDialect::ChatCompletions,
        operation: crate::domain::operation::Operation::Chat,
        requested: "a".to_owned(),
        streamed: false,
        session_id: None,
        session_ref: None,
        client_retry_count: None,
        created_at: DateTime::<Utc>::UNIX_EPOCH,
        started: Instant::now(),
    }
}

fn stamp(context: &RequestContext) -> EventStamp<'_> {
    EventStamp {
        context,
        origin: crate::domain::origin::Origin::Live,
        id: Uuid::from_u128(3),
        now: DateTime::<Utc>::UNIX_EPOCH,
    }
}

fn fail(log: &mut AttemptLog, context: &RequestContext, name: &str, failure: &Failure) {
    let candidate = candidate(name);
    log.attempt_started(&candidate, false);
    log.attempt_ended(SECOND);
    log.attempt_failed(stamp(context), &candidate, failure, SECOND, Adaptation::default());
}

fn failure(class: ErrorClass) -> Failure {
    Failure::ours(class, "rule", "message")
}

/// The events so far: failed model, next model, attempts, hop.
fn events(log: &mut AttemptLog) -> Vec<(String, Option<String>, i32, i32)> {
    let events = log.take_events().into_iter();
    events.map(|event| (event.failed_model, event.next_model, event.attempts, event.hop)).collect()
}

#[test]
fn an_event_is_complete_once_its_successor_is_known() {
    let (mut log, context) = (AttemptLog::default(), context());
    fail(&mut log, &context, "a", &failure(ErrorClass::Overloaded));
    assert!(!log.has_events());
    fail(&mut log, &context, "b", &failure(ErrorClass::Timeout));
    log.attempt_started(&candidate("c"), false);
    log.attempt_answered(&candidate("c"), 200, SECOND, Adaptation::default());
    let expected =
        [("a".to_owned(), Some("b".to_owned()), 1, 1), ("b".to_owned(), Some("c".to_owned()), 1, 2)];
    assert_eq!(events(&mut log), expected);
    assert!(!log.has_events());
    assert_eq!((log.hops(), log.upstream_calls(), log.upstream_time()), (2, 3, 2 * SECOND));
    assert_eq!(log.first_failure(), Some(ErrorClass::Overloaded));
    let classes: Vec<_> = log.reports().iter().map(|report| report.error_class).collect();
    assert_eq!(classes, [Some(ErrorClass::Overloaded), Some(ErrorClass::Timeout), None]);
}

#[test]
fn retries_of_one_candidate_are_one_event() {
    let (mut log, context) = (AttemptLog::default(), context());
    for _ in 0..3 {
        fail(&mut log, &context, "a", &failure(ErrorClass::Overloaded));
    }
    log.chain_ended();
    let event = log.take_events().pop().expect("an event");
    assert_eq!((event.attempts, event.duration_ms, event.next_model), (3, 3_000, None));
    assert_eq!((log.hops(), log.reports().len()), (1, 3));
}

#[test]
fn a_candidate_that_answers_when_it_is_retried_leaves_no_event() {
    let (mut log, context) = (AttemptLog::default(), context());
    fail(&mut log, &context, "a", &failure(ErrorClass::Overloaded));
    log.attempt_started(&candidate("a"), false);
    log.attempt_answered(&candidate("a"), 200, SECOND, Adaptation::default());
    assert!(!log.has_events());
    assert_eq!((log.hops(), log.first_failure()), (0, None));
    assert_eq!(log.reports().last().and_then(|report| report.status), Some(200));
}

#[test]
fn a_withheld_answer_has_its_event_but_is_no_hop() {
    for (last, hops, first) in [("a", 0, None), ("b", 1, Some(ErrorClass::ContentPolicy))] {
        let (mut log, context) = (AttemptLog::default(), context());
        fail(&mut log, &context, last, &failure(ErrorClass::ContentPolicy));
        log.withheld_answer_served(&candidate("a"));
        assert_eq!((log.hops(), log.first_failure()), (hops, first), "{last}");
        assert_eq!(events(&mut log), [(last.to_owned(), None, 1, 1)], "{last}");
    }
}

#[test]
fn a_skipped_candidate_has_an_event_without_attempts() {
    let (mut log, context) = (AttemptLog::default(), context());
    let skip_reason = SkipReason::fact(ErrorClass::Disabled);
    log.candidate_skipped(stamp(&context), &candidate("a"), &skip_reason);
    let failure = log.last_skip(ErrorClass::Disabled, "a");
    assert!(failure.message.contains("'a' was not called"), "{}", failure.message);
    log.chain_ended();
    let event = log.take_events().pop().expect("an event");
    assert_eq!((event.attempts, event.matched_rule), (0, None));
    assert!(log.reports().iter().all(|report| report.passed_over && report.matched_rule.is_none()));
    assert_eq!(log.upstream_calls(), 0);
}

#[test]
fn an_interrupted_stream_changes_the_report_of_its_answer() {
    let (mut log, context) = (AttemptLog::default(), context());
    log.attempt_started(&candidate("a"), false);
    log.attempt_answered(&candidate("a"), 200, SECOND, Adaptation::default());
    let failure = failure(ErrorClass::StreamInterrupted);
    log.stream_interrupted(stamp(&context), Some("a"), &failure, SECOND);
    assert_eq!(events(&mut log), [("a".to_owned(), None, 1, 1)]);
    let report = log.reports().last().expect("a report");
    assert_eq!((report.error_class, report.matched_rule), (Some(failure.class), Some("rule")));
}

#[test]
fn the_shortest_wait_counts() {
    let (mut log, context) = (AttemptLog::default(), context());
    for seconds in [Some(9), None, Some(4), Some(7)] {
        let retry_after = seconds.map(Duration::from_secs);
        let failure = Failure { retry_after, ..failure(ErrorClass::RateLimited) };
        fail(&mut log, &context, "a", &failure);
    }
    assert_eq!(log.retry_after(), Some(Duration::from_secs(4)));
    let cooldown = OpenCooldown {
        remaining: SECOND,
        failure: Arc::new(failure(ErrorClass::RateLimited)),
        probe_free: true,
        by_provider: false,
    };
    let failure = log.chain_in_cooldown(&cooldown);
    assert!(log.all_in_cooldown() && failure.message.ends_with("message"), "{}", failure.message);
    assert_eq!(log.retry_after(), Some(SECOND));
}

#[test]
fn a_refused_model_or_credential_is_named_with_its_provider() {
    let (mut log, context) = (AttemptLog::default(), context());
    for (class, named) in [
        (ErrorClass::ModelNotFound, true),
        (ErrorClass::Authentication, true),
        (ErrorClass::InvalidRequest, false),
        (ErrorClass::QuotaExhausted, false),
    ] {
        let failure = Failure { status: Some(404), ..failure(class) };
        fail(&mut log, &context, "a", &failure);
        let expected = "The provider 'provider' refused the call of the model 'a': message";
        let message = if named { expected } else { "message" };
        assert_eq!(log.named(failure).message, message, "{class}");
    }
    // A drill calls no provider, and a long message stays within its bounds.
    assert_eq!(log.named(failure(ErrorClass::ModelNotFound)).message, "message");
    let long =
        Failure { status: Some(404), message: "x".repeat(2_000), ..failure(ErrorClass::ModelNotFound) };
    assert_eq!(log.named(long).message.chars().count(), 2_000);
}

#[test]
fn the_newest_report_is_kept() {
    let (mut log, context) = (AttemptLog::default(), context());
    for _ in 0..2 * MAX_ATTEMPTS {
        fail(&mut log, &context, "a", &failure(ErrorClass::Overloaded));
    }
    log.attempt_answered(&candidate("b"), 200, SECOND, Adaptation::default());
    assert_eq!(log.reports().len(), MAX_ATTEMPTS);
    assert_eq!(log.reports().last().map(|report| &*report.model), Some("b"));
}
