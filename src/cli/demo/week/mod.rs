//! An invented week before the demo: requests and fallback events in the form in which the gateway records them.
//!
//! The week is the same on every start, except for its dates. Every row has the origin `demo`.

mod scenario;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};
use uuid::Uuid;

use crate::domain::attempt_report::AttemptReport;
use crate::domain::clock::{Clock, ManualClock};
use crate::domain::invocation_type::InvocationType;
use crate::domain::origin::Origin;
use crate::gateway::usage::pricing::Usage;
use crate::store::records::attempts::Attempts;
use crate::store::snapshot::{ApiKeyEntry, Chain, OrganizationSnapshot};
use crate::store::{FallbackEventRow, RequestRow};
use scenario::{FailedAttempt, SCENARIOS, Scenario};

const SEED: u64 = 7;
const REQUESTS: u32 = 1_050;
/// The average microseconds between two requests, which together fill a week.
const SLOT_MICROS: u64 = 7 * 24 * 3_600 * 1_000_000 / REQUESTS as u64;
/// The number of requests in a session.
const SESSION: u32 = 5;

/// Invents the week before `now`, for an organization with the demo's catalog: about 400 events with their requests.
pub(super) fn invent(
    organization: &OrganizationSnapshot,
    now: DateTime<Utc>,
) -> (Vec<FallbackEventRow>, Vec<RequestRow>) {
    let (clock, hand) = Clock::manual(now - TimeDelta::days(7));
    let mut week = Week {
        organization,
        key: organization.keys.values().next().map(AsRef::as_ref),
        clock,
        hand,
        dice: Xoshiro256PlusPlus::seed_from_u64(SEED),
        session: None,
        events: Vec::new(),
        requests: Vec::new(),
    };
    for number in 0..REQUESTS {
        week.live(number);
    }
    (week.events, week.requests)
}

struct Week<'a> {
    organization: &'a OrganizationSnapshot,
    key: Option<&'a ApiKeyEntry>,
    clock: Clock,
    hand: ManualClock,
    dice: Xoshiro256PlusPlus,
    session: Option<Uuid>,
    events: Vec<FallbackEventRow>,
    requests: Vec<RequestRow>,
}

/// An invented request while its rows are built.
struct InventedRequest {
    id: Uuid,
    at: DateTime<Utc>,
    streamed: bool,
    /// Milliseconds of the failed attempts.
    lost_ms: i64,
    /// Milliseconds of the answer.
    answer_ms: i64,
}

impl Week<'_> {
    /// Invents a request at a random time in its slot of the week.
    fn live(&mut self, number: u32) {
        let early = self.dice.random_range(0..SLOT_MICROS);
        self.hand.advance(Duration::from_micros(early));
        if number.is_multiple_of(SESSION) {
            self.session = self.dice.random_bool(0.5).then(|| self.clock.new_id());
        }
        let scenario = self.scenario();
        let request = InventedRequest {
            id: self.clock.new_id(),
            at: self.clock.now(),
            streamed: self.dice.random_bool(0.5),
            lost_ms: scenario.failed_attempts.iter().map(|failed| failed.duration_ms).sum(),
            answer_ms: self.dice.random_range(250..2_500),
        };
        self.add_events(scenario, &request);
        self.add_request(scenario, &request);
        self.hand.advance(Duration::from_micros(SLOT_MICROS - early));
    }

    fn scenario(&mut self) -> &'static Scenario {
        let total: u32 = SCENARIOS.iter().map(|scenario| scenario.weight).sum();
        let mut drawn = self.dice.random_range(0..total);
        for scenario in SCENARIOS {
            if drawn < scenario.weight {
                return scenario;
            }
            drawn -= scenario.weight;
        }
        &SCENARIOS[0]
    }

    fn add_events(&mut self, scenario: &Scenario, request: &InventedRequest) {
        let mut passed_ms = 0;
        for (hop, failed) in (0..).zip(scenario.failed_attempts) {
            passed_ms += failed.duration_ms;
            let next = scenario.next(failed);
            let chain = next.and_then(|next| self.chain(scenario.requested, next));
            let at = request.at + TimeDelta::milliseconds(passed_ms);
            self.events.push(FallbackEventRow {
                id: self.clock.new_id().into(),
                organization_id: self.organization.id,
                request_id: request.id.into(),
                failed_model: failed.model.to_owned(),
                next_model: next.map(str::to_owned),
                error_class: failed.class.into(),
                error_message: Some(failed.message.to_owned()),
                invocation_type: InvocationType::chat_completion(request.streamed).into(),
                router_config_id: chain.map(|chain| chain.config_id),
                router_config_revision: chain.map(|chain| chain.revision),
                session_id: self.session,
                session_ref: None,
                hop,
                attempts: i32::from(!failed.class.is_passed_over()),
                status_code: failed.status.map(i32::from),
                matched_rule: failed.rule.map(str::to_owned),
                duration_ms: failed.duration_ms,
                origin: Origin::Demo.into(),
                created_at: at,
                recorded_at: at,
            });
        }
    }

    fn add_request(&mut self, scenario: &Scenario, request: &InventedRequest) {
        let served = scenario.answered_by.and_then(|name| self.organization.models.get(name));
        let usage = served.map(|_| self.usage(scenario));
        let price = served.and_then(|model| model.settings.price.as_ref());
        let price_id = served.and_then(|model| model.price_id);
        let (cost, source) = usage.map_or((Some(0), None), |usage| usage.bill(price, price_id));
        let total_ms = request.lost_ms + if served.is_some() { request.answer_ms } else { 0 };
        let called = scenario.failed_attempts.iter().filter(|failed| !failed.class.is_passed_over()).count();
        let calls = called + usize::from(served.is_some() && !scenario.interrupted());
        let ended = request.at + TimeDelta::milliseconds(total_ms);
        let request = RequestRow {
            id: request.id.into(),
            organization_id: self.organization.id,
            api_key_id: self.key.map(|key| key.id.0),
            api_key_name: self.key.map(|key| key.name.to_string()),
            requested_model: scenario.requested.to_owned(),
            served_model: served.map(|model| model.name.to_string()),
            served_provider: served.map(|model| model.provider.name.to_string()),
            outcome: scenario.outcome().into(),
            error_class: scenario.final_class().map(Into::into),
            status_code: scenario.status.into(),
            endpoint: "/v1/chat/completions".to_owned(),
            invocation_type: InvocationType::chat_completion(request.streamed).into(),
            streamed: request.streamed,
            input_tokens: usage.map(|usage| usage.input),
            output_tokens: usage.map(|usage| usage.output),
            cached_tokens: usage.map(|usage| usage.cached),
            reasoning_tokens: usage.map(|usage| usage.reasoning),
            cache_write_tokens: usage.map(|usage| usage.cache_write),
            usage_flag: None,
            cost_nano_dollars: cost,
            cost_source: source.map(|source| source.as_str().to_owned()),
            model_price_id: price_id,
            estimated: usage.is_some_and(|usage| usage.estimated),
            first_frame_ms: served.map(|_| request.lost_ms + request.answer_ms / 4),
            total_ms,
            upstream_calls: i32::try_from(calls).unwrap_or(i32::MAX),
            hops: i32::try_from(scenario.hops()).unwrap_or(i32::MAX),
            attempts: Attempts::of(&self.reports(scenario, request)),
            session_id: self.session,
            session_ref: None,
            client_retry_count: Some(0),
            origin: Origin::Demo.into(),
            created_at: request.at,
            recorded_at: ended,
            instance_id: None,
            budget_only_nano_dollars: 0,
        };
        self.requests.push(request);
    }

    fn usage(&mut self, scenario: &Scenario) -> Usage {
        let input = self.dice.random_range(40..1_800);
        let cached = if self.dice.random_bool(0.25) { input / 2 } else { 0 };
        let output = self.dice.random_range(20..600);
        Usage { input, output, cached, estimated: scenario.interrupted(), ..Usage::default() }
    }

    fn reports(&self, scenario: &Scenario, request: &InventedRequest) -> Vec<AttemptReport> {
        let answer_ms = request.answer_ms / if request.streamed { 4 } else { 1 };
        let failed = scenario
            .failed_attempts
            .iter()
            .map(|failed| self.report(failed.model, Some(failed), failed.duration_ms));
        let answered = scenario.answered_by.filter(|_| !scenario.interrupted());
        failed.chain(answered.map(|model| self.report(model, None, answer_ms))).collect()
    }

    fn report(&self, model: &str, failed: Option<&FailedAttempt>, duration_ms: i64) -> AttemptReport {
        let provider = self.organization.models.get(model).map(|model| model.provider.name.to_string());
        AttemptReport {
            model: model.to_owned(),
            provider: provider.unwrap_or_default(),
            status: failed.map_or(Some(200), |failed| failed.status),
            error_class: failed.map(|failed| failed.class),
            matched_rule: failed.and_then(|failed| failed.rule),
            duration_ms: duration_ms.unsigned_abs(),
            passed_over: failed.is_some_and(|failed| failed.class.is_passed_over()),
            adapted: Vec::new(),
            translated_to: None,
            credential: None,
            chosen: None,
        }
    }

    /// The stored list of a model that holds another one.
    fn chain(&self, model: &str, next: &str) -> Option<&Chain> {
        let model = self.organization.models.get(model)?;
        let chains = self.organization.chains.get(&model.id)?;
        let lists = [&chains.general, &chains.context_window, &chains.content_policy];
        let leads_there = |chain: &&Chain| chain.targets.iter().any(|target| *target.name == *next);
        lists.into_iter().filter_map(|list| list.as_deref()).find(leads_there)
    }
}
