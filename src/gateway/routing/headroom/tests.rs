//! What calls take of their limits, and what they give back.

use chrono::DateTime;
use entity::ids::{ApiKeyId, ProviderId};
use uuid::Uuid;

use super::call_limits::UNKNOWN_HABIT;
use super::*;
use crate::domain::clock::{Clock, ManualClock};
use crate::domain::period::Period;
use crate::gateway::routing::budget::{Estimate, Spending};
use crate::limits::leases::Leases;
use crate::limits::leases::place::{LimitPlace, Memory};
use crate::store::snapshot::{BudgetEntry, ProviderEntry, samples};
use crate::store::{OrganizationSettings, ProviderLimits};

struct World {
    limits: Arc<CallLimits>,
    clock: ManualClock,
    organization: Arc<OrganizationSnapshot>,
    key: Arc<ApiKeyEntry>,
}

impl World {
    /// A world in which the organization and the key have these limits, those of the key also for the model `a`.
    fn new(organization: Limits, key: Limits, of_model: Limits) -> Self {
        let (clock, manual) = Clock::manual(DateTime::UNIX_EPOCH);
        let settings = OrganizationSettings { limits: organization, ..OrganizationSettings::default() };
        let key = ApiKeyEntry {
            id: ApiKeyId(Uuid::from_u128(7)),
            name: "test".into(),
            scopes: Vec::new(),
            models: None,
            limits: key,
            model_limits: ModelLimits([("a".to_owned(), of_model)].into()),
            expires_at: None,
            last_used: Arc::default(),
        };
        Self {
            limits: Arc::new(CallLimits::new(Leases::in_memory(clock))),
            clock: manual,
            organization: Arc::new(OrganizationSnapshot { settings, ..samples::organization() }),
            key: Arc::new(key),
        }
    }

    fn request(&self) -> Arc<CallHeadroom> {
        CallHeadroom::of(&self.limits, &self.organization, Some(&self.key), true).expect("limits")
    }
}

fn tokens(per_minute: i64) -> Limits {
    Limits { tokens_per_minute: Some(per_minute), ..Limits::default() }
}

fn model(name: &str, limits: ProviderLimits) -> ModelEntry {
    let provider = ProviderEntry { limits, ..samples::provider("custom") };
    let id = ModelId(Uuid::from_u128(u128::from(name.as_bytes()[0])));
    ModelEntry { id, ..samples::model(name, provider) }
}

fn of(prompt: i64, answer: i64) -> impl FnOnce() -> TokenNeed {
    move || TokenNeed { prompt, answer }
}

fn refused(room: Room) -> String {
    match room {
        Room::None(no_headroom) => no_headroom.to_string(),
        Room::Taken | Room::Lacking | Room::OverBudget(_) => panic!("{room:?}"),
    }
}

#[test]
fn tokens_are_taken_by_an_estimate_and_settled_by_what_was_used() {
    let world = World::new(Limits::default(), tokens(1_000), Limits::default());
    let (b, free) = (model("b", ProviderLimits::default()), ProviderLimits::default());
    let (one, other, third) = (world.request(), world.request(), world.request());
    assert!(matches!(one.take(&b, of(100, 400), None), Room::Taken));
    assert_eq!(one.tokens().map(|status| (status.limit, status.remaining)), Some((1_000, 500)));
    assert!(matches!(other.take(&model("c", free), of(100, 400), None), Room::Taken));
    let said = refused(third.take(&b, of(10, 0), None));
    assert_eq!(said, "it does not fit into what is left of the API key's limit of 1000 tokens per minute");
    assert_eq!(third.tokens().map(|status| status.remaining), Some(0));
    one.settle(120, Some((b.id, 20)));
    assert!(matches!(third.take(&b, of(10, 380), None), Room::None(_)));
    assert!(matches!(third.take(&b, of(10, 370), None), Room::Taken));
    // More than was taken counts as well, and the next minute has all of it again.
    third.settle(900, None);
    assert!(matches!(world.request().take(&b, of(1, 0), None), Room::None(_)));
    world.clock.advance(Duration::from_secs(120));
    assert!(matches!(world.request().take(&b, of(1, 999), None), Room::Taken));
}

#[test]
fn a_prompt_that_fits_is_never_refused_for_its_answer() {
    let world = World::new(Limits::default(), tokens(1_000), Limits::default());
    let b = model("b", ProviderLimits::default());
    assert!(matches!(world.request().take(&b, of(100, i64::MAX), None), Room::Taken));
    world.clock.advance(Duration::from_secs(120));
    let Room::None(no_headroom) = world.request().take(&b, of(1_001, 0), None) else { panic!("room") };
    assert_eq!(no_headroom.retry_after(), None);
    assert_eq!(
        no_headroom.to_string(),
        "its prompt alone is more than the API key's limit of 1000 tokens per minute"
    );
}

#[test]
fn a_model_inside_a_key_has_limits_of_its_own() {
    let of_a = Limits { requests_per_day: Some(2), concurrent_requests: Some(1), ..Limits::default() };
    let world = World::new(tokens(50), Limits::default(), of_a);
    let (a, b) = (model("a", ProviderLimits::default()), model("b", ProviderLimits::default()));
    let (one, other) = (world.request(), world.request());
    assert!(matches!(one.take(&a, of(1, 1), None), Room::Taken));
    let said = refused(other.take(&a, of(1, 1), None));
    let rest = "limit of 1 concurrent requests for it";
    assert_eq!(said, format!("it does not fit into what is left of the API key's {rest}"));
    assert!(other.hindrance(&a, of(1, 1)).is_some() && other.hindrance(&b, of(1, 1)).is_none());
    assert!(matches!(other.take(&b, of(1, 1), None), Room::Taken));
    // Another candidate ends what was under way of the first one, but not its place in the day.
    assert!(matches!(one.take(&b, of(1, 1), None), Room::Taken));
    assert!(matches!(other.take(&a, of(1, 1), None), Room::Taken));
    other.settle(0, None);
    let said = refused(world.request().take(&a, of(1, 1), None));
    assert!(said.ends_with("the API key's limit of 2 requests per day for it"), "{said}");
    assert!(matches!(other.take(&b, of(30, 0), None), Room::Taken));
    let said = refused(one.take(&b, of(40, 20), None));
    assert!(said.ends_with("the organization's limit of 50 tokens per minute"), "{said}");
}

#[test]
fn what_is_taken_for_a_candidate_that_is_not_called_goes_back() {
    let of_a = Limits { requests_per_minute: Some(1), ..Limits::default() };
    let world = World::new(Limits::default(), tokens(10), of_a);
    let a = model("a", ProviderLimits::default());
    let one = world.request();
    assert!(matches!(one.take(&a, of(10, 0), None), Room::Taken));
    one.give_back();
    let other = world.request();
    assert!(matches!(other.take(&a, of(10, 0), None), Room::Taken));
    drop(other);
    assert!(
        matches!(one.take(&a, of(10, 0), None), Room::None(_)),
        "a dropped request keeps its place in the minute"
    );
}

#[test]
fn a_provider_is_not_asked_in_vain() {
    let world = World::new(Limits::default(), Limits::default(), Limits::default());
    let limits = ProviderLimits { requests_per_minute: Some(2), tokens_per_minute: Some(100) };
    let provider = ProviderEntry { limits, ..samples::provider("custom") };
    let providers = [(ProviderId(Uuid::from_u128(1)), Arc::new(provider))].into();
    let organization = OrganizationSnapshot { providers, ..samples::organization() };
    let world = World { organization: Arc::new(organization), ..world };
    let b = model("b", limits);
    assert!(CallHeadroom::of(&world.limits, &world.organization, None, false).is_some());
    let one = world.request();
    assert!(matches!(one.take(&b, of(10, 0), None), Room::Taken));
    assert_eq!(one.tokens(), None, "it is not the caller's");
    assert!(one.again(&b, None) && !one.again(&b, None));
    let said = refused(world.request().take(&b, of(10, 0), None));
    assert_eq!(said, "it does not fit into what is left of its provider's limit of 2 requests per minute");
}

#[test]
fn tokens_count_although_their_candidate_was_given_up() {
    let world = World::new(tokens(100), Limits::default(), Limits::default());
    let b = model("b", ProviderLimits::default());
    let one = world.request();
    assert!(matches!(one.take(&b, of(10, 0), None), Room::Taken));
    one.give_back();
    one.settle(70, None);
    assert!(matches!(world.request().take(&b, of(31, 0), None), Room::None(_)));
    assert!(matches!(world.request().take(&b, of(30, 0), None), Room::Taken));
}

#[test]
fn a_habit_follows_what_a_model_answers() {
    let world = World::new(tokens(100), Limits::default(), Limits::default());
    let id = ModelId(Uuid::from_u128(1));
    assert_eq!(world.limits.usual_answer(id), UNKNOWN_HABIT);
    world.request().settle(0, Some((id, 80)));
    assert_eq!(world.limits.usual_answer(id), 80);
    for _ in 0..64 {
        world.request().settle(0, Some((id, 800)));
    }
    assert!((700..=800).contains(&world.limits.usual_answer(id)));
}

#[test]
fn requests_without_limits_take_nothing() {
    let world = World::new(Limits::default(), Limits::default(), Limits::default());
    assert!(CallHeadroom::of(&world.limits, &world.organization, None, true).is_none());
}

/// A process with a budget of 100 nano-dollars, which counts money at a place that others share.
struct Process {
    limits: Arc<CallLimits>,
    spending: Spending,
    organization: Arc<OrganizationSnapshot>,
}

impl Process {
    fn new(place: Memory, clock: &Clock) -> Self {
        let budget = BudgetEntry {
            id: Uuid::nil().into(),
            api_key_id: None,
            period: Period::Day,
            soft: None,
            hard: Some(100),
            warned_at: None,
        };
        let leases = Leases::new(LimitPlace::Memory(place), clock.clone(), Arc::default()).0;
        let mut limits = CallLimits::new(leases);
        limits.shares_money = true;
        let organization =
            OrganizationSnapshot { budgets: [budget].into_iter().collect(), ..samples::organization() };
        Self {
            limits: Arc::new(limits),
            spending: Spending::new(clock.clone()),
            organization: Arc::new(organization),
        }
    }

    /// A request that reserves an amount, and the budget that does not have it.
    fn request(&self, cost: i64) -> (Arc<BudgetReservation>, Arc<CallHeadroom>, Option<OverBudget>) {
        let reserved = self.spending.reservation(&self.organization, None).expect("a budget");
        let headroom = CallHeadroom::of(&self.limits, &self.organization, None, true).expect("a budget");
        let over = reserved.reserve(Estimate::Between { least: cost, most: cost });
        let over = over.or_else(|| {
            let b = model("b", ProviderLimits::default());
            match headroom.take(&b, of(0, 0), Some(&reserved)).with_budget(Some(&reserved)) {
                Room::Taken => None,
                Room::OverBudget(over) => Some(over),
                room @ (Room::Lacking | Room::None(_)) => panic!("{room:?}"),
            }
        });
        (reserved, headroom, over)
    }
}

#[test]
fn two_processes_reserve_no_money_twice() {
    let (clock, _) = Clock::manual(DateTime::UNIX_EPOCH);
    let memory = Memory::new(clock.clone(), "one");
    let other = Process::new(memory.beside("other"), &clock);
    let one = Process::new(memory, &clock);
    let (money, headroom, over) = one.request(60);
    assert_eq!(over, None);
    let (.., over) = other.request(41);
    let over = over.expect("the first one has reserved it");
    assert!(over.passing && !over.used_up && over.retry_after().is_some(), "{over:?}");
    let elsewhere = other.request(40);
    assert_eq!(elsewhere.2, None);
    // What was spent is in use until the others know it, and the process that spent it does not count it twice.
    money.leave(10)();
    let spent = headroom.spend(10).expect("money");
    let second = one.request(50);
    assert_eq!(second.2, None);
    assert!(one.request(1).2.is_some_and(|over| over.passing));
    // Then it is not free: it is spent.
    drop(spent);
    assert!(one.request(1).2.is_some());
    drop(second);
    assert_eq!(one.request(50).2, None);
}
