//! The bounds of an API key. A key must not grant more than it has, to another key or to itself.
//!
//! The check runs for every change of a key or of a key's budget that a key makes. Both structures are destructured
//! without `..`, so that a new bound does not compile until it is compared here.
//!
//! Scopes, models and an expiry can be copied to another key. Limits cannot: two keys with 20 requests per minute have 40
//! together. So a key with a limit on requests per minute, concurrent requests or money cannot grant model calls to other
//! keys: neither the scope, nor a model, nor a higher limit. The alternative, counting each call against all keys that
//! created the calling key, would cost time in every request and cause refusals that the page of the key does not
//! explain.

use chrono::{DateTime, Utc};

use crate::domain::error::{Error, Violation};
use crate::domain::period::Period;
use crate::domain::permission::Scope;
use crate::store::{ApiKeyRow, BoundKey, BudgetRow, KeyGrant};

/// All bounds of a key. `None` means unlimited.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bounds<'a> {
    scopes: &'a [String],
    models: Option<&'a [String]>,
    requests_per_minute: Option<i64>,
    concurrent_requests: Option<i64>,
    expires_at: Option<DateTime<Utc>>,
    /// The hard limits, in the order of [`Period::ALL`].
    budgets: [Option<i64>; Period::ALL.len()],
}

/// Checks that a key grants nothing that it does not have. The changed key keeps what it had, unless it gets a new scope
/// or model, because that is a new permission within every bound.
///
/// # Errors
/// [`Error::ScopeMissing`], [`Error::ModelForbidden`]; [`Error::Invalid`] on the field of any other bound.
pub(crate) fn check(grant: &KeyGrant) -> Result<(), Error> {
    let before = grant.before.as_ref().map(Bounds::of);
    Bounds::of(&grant.after).check(&Bounds::of(&grant.giver), before.as_ref())?;
    check_manager(grant)
}

impl<'a> Bounds<'a> {
    fn of(key: &'a BoundKey) -> Self {
        let BoundKey { row, budgets } = key;
        let ApiKeyRow {
            scopes,
            models,
            requests_per_minute,
            concurrent_requests,
            expires_at,
            // These fields are not bounds.
            id: _,
            name: _,
            prefix: _,
            last_four: _,
            created_by: _,
            created_at: _,
            updated_at: _,
            last_used_at: _,
            revoked_at: _,
        } = row;
        let hard = |period: Period| {
            let own = budgets.iter().find(|budget: &&BudgetRow| budget.period == period);
            own.and_then(|budget| budget.hard_limit_nano_dollars)
        };
        Self {
            scopes,
            models: models.as_deref(),
            requests_per_minute: *requests_per_minute,
            concurrent_requests: *concurrent_requests,
            expires_at: *expires_at,
            budgets: Period::ALL.map(hard),
        }
    }

    /// Checks the bounds of a changed key against those of the calling key.
    fn check(&self, own: &Self, before: Option<&Self>) -> Result<(), Error> {
        let Self { scopes, models, requests_per_minute, concurrent_requests, expires_at, budgets } = self;
        let added = |scope: &&String| before.is_none_or(|key| !key.scopes.contains(scope));
        let mut added = scopes.iter().filter(added).peekable();
        let more_scopes = added.peek().is_some();
        if let Some(scope) = added.find(|scope| !own.scopes.contains(scope)) {
            return Err(Error::ScopeMissing(Scope::parse(scope).map_or("unknown", Scope::as_str)));
        }
        check_models(*models, own.models, before.filter(|_| !more_scopes).map(|key| key.models))?;
        let more_models = before.is_none_or(|key| widens_models(*models, key.models));
        self.check_counted(own, before, more_models)?;
        // The key keeps these, unless it gets a new permission.
        let kept = before.filter(|_| !more_scopes && !more_models);
        // Limits must not increase.
        let had = before.filter(|key| key.calls_models() && self.calls_models());
        let room = |of: fn(&Self) -> Option<i64>| Room { own: of(own), kept: kept.map(of), had: had.map(of) };
        let per_minute = room(|key| key.requests_per_minute);
        check_limit("requests_per_minute", *requests_per_minute, per_minute)?;
        check_limit("concurrent_requests", *concurrent_requests, room(|key| key.concurrent_requests))?;
        check_end(*expires_at, own.expires_at, kept.map(|key| key.expires_at))?;
        if !self.calls_models() {
            return Ok(());
        }
        for (index, period) in Period::ALL.into_iter().enumerate() {
            let of = |bounds: &Self| bounds.budgets.get(index).copied().flatten();
            let (after, kept) =
                (budgets.get(index).copied().flatten(), kept.filter(|key| key.calls_models()));
            let room = Room { own: of(own), kept: kept.map(of), had: had.map(of) };
            if let Some(most) = room.most_below(after) {
                let field = if more_scopes { "scopes" } else { "hard_limit_nano_dollars" };
                return Err(over_budget(field, period, most));
            }
        }
        Ok(())
    }

    /// A key with a limit cannot grant model calls, and a key with a budget cannot grant the scope to raise budgets.
    fn check_counted(&self, own: &Self, before: Option<&Self>, more_models: bool) -> Result<(), Error> {
        let is_new = |scope: Scope| self.has(scope) && before.is_none_or(|key| !key.has(scope));
        let calls = is_new(Scope::Inference);
        if (calls || (more_models && self.calls_models()))
            && let Some(limit) = own.counted()
        {
            let (field, what) =
                if calls { ("scopes", "the scope 'inference'") } else { ("models", "a model") };
            return Err(limited(field, what, &limit));
        }
        match own.budget().filter(|_| is_new(Scope::BudgetsManage)) {
            Some(limit) => Err(limited("scopes", "the scope 'budgets:manage'", &limit)),
            None => Ok(()),
        }
    }

    /// The first limit of the key on requests or money.
    fn counted(&self) -> Option<String> {
        let requests = self.requests_per_minute.map(|most| format!("{most} requests per minute"));
        let at_once = || self.concurrent_requests.map(|most| format!("{most} requests at once"));
        requests.or_else(at_once).or_else(|| self.budget())
    }

    fn budget(&self) -> Option<String> {
        let mut all = Period::ALL.into_iter().zip(self.budgets);
        all.find_map(|(period, most)| Some(format!("{} nano-dollars for the {}", most?, period.as_str())))
    }

    fn has(&self, scope: Scope) -> bool {
        self.scopes.iter().any(|own| own == scope.as_str())
    }

    /// Whether it may make requests that cost money.
    fn calls_models(&self) -> bool {
        self.has(Scope::Inference)
    }
}

/// The values that decide the highest allowed limit. An inner `None` means unlimited.
#[derive(Clone, Copy)]
struct Room {
    /// The limit of the calling key.
    own: Option<i64>,
    /// The limit that the key had and keeps.
    kept: Option<Option<i64>>,
    /// The limit that the key had. A limited calling key cannot raise it.
    had: Option<Option<i64>>,
}

impl Room {
    /// The highest allowed limit, if `after` exceeds it.
    fn most_below(self, after: Option<i64>) -> Option<i64> {
        let own = self.own?;
        if exceeds(after, Some(own)) && self.kept.is_none_or(|kept| exceeds(after, kept)) {
            return Some(own);
        }
        self.had.flatten().filter(|had| exceeds(after, Some(*had)))
    }
}

/// Whether the first bound is wider than the second.
fn exceeds<T: Ord>(bound: Option<T>, other: Option<T>) -> bool {
    match (bound, other) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(bound), Some(other)) => bound > other,
    }
}

fn widens_models(after: Option<&[String]>, before: Option<&[String]>) -> bool {
    match (after, before) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(after), Some(before)) => after.iter().any(|name| !before.contains(name)),
    }
}

/// Checks a list of models. `kept` is the list that the key had and keeps.
fn check_models(
    after: Option<&[String]>,
    own: Option<&[String]>,
    kept: Option<Option<&[String]>>,
) -> Result<(), Error> {
    let Some(own) = own else { return Ok(()) };
    let Some(after) = after else {
        if kept == Some(None) {
            return Ok(());
        }
        let message = "The calling key may use some models only, so 'models' must name some of those.";
        return Err(Error::Invalid(vec![Violation::body("models", "value_error", message)]));
    };
    let had = |name: &String| kept.is_some_and(|kept| kept.is_none_or(|models| models.contains(name)));
    match after.iter().find(|name| !own.contains(*name) && !had(name)) {
        Some(name) => Err(Error::ModelForbidden { model: name.clone() }),
        None => Ok(()),
    }
}

fn check_limit(field: &'static str, after: Option<i64>, room: Room) -> Result<(), Error> {
    let Some(most) = room.most_below(after) else { return Ok(()) };
    let message = format!("The calling key is limited itself, so '{field}' must be 1 to {most}.");
    Err(Error::Invalid(vec![Violation::body(field, "value_error", message)]))
}

fn check_end(
    after: Option<DateTime<Utc>>,
    own: Option<DateTime<Utc>>,
    kept: Option<Option<DateTime<Utc>>>,
) -> Result<(), Error> {
    let Some(last) = own.filter(|_| exceeds(after, own) && kept.is_none_or(|kept| exceeds(after, kept)))
    else {
        return Ok(());
    };
    let last = last.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    let message = format!("The calling key expires itself, so 'expires_at' must be at most {last}.");
    Err(Error::Invalid(vec![Violation::body("expires_at", "value_error", message)]))
}

fn over_budget(field: &'static str, period: Period, most: i64) -> Error {
    let period = period.as_str();
    let message = format!(
        "The calling key has a budget for the {period} itself, so this key needs a hard limit of at most {most} \
         nano-dollars for the {period}: change it with a key that has no budget, or in the console."
    );
    Error::Invalid(vec![Violation::body(field, "value_error", message)])
}

fn limited(field: &'static str, what: &str, limit: &str) -> Error {
    let message = format!(
        "The calling key has a limit itself ({limit}), and two keys within it would have it twice, so it gives no key \
         {what}: use a key without such a limit, or the console."
    );
    Error::Invalid(vec![Violation::body(field, "value_error", message)])
}

/// Checks that a key may change what a model is or costs. One that calls models within a limit may not: it would choose
/// another model behind an allowed name, or a price of zero. `field` is what it tried to change.
///
/// # Errors
/// [`Error::Invalid`] on that field.
pub(in crate::store) fn check_catalog(
    key: &BoundKey,
    organization_budgets: &[BudgetRow],
    field: &'static str,
) -> Result<(), Error> {
    let what = "does not change what a model is or costs";
    catalog_limit(key, organization_budgets).map_or(Ok(()), |limit| Err(within_limit(field, what, &limit)))
}

/// Checks that no key that calls models within a limit makes a manager of models that does not call them, out of another
/// key or itself: the manager would be free to change them, and the key would use what changed.
fn check_manager(grant: &KeyGrant) -> Result<(), Error> {
    let manages = |key: &Bounds<'_>| key.has(Scope::RouterManage);
    let (after, before) = (Bounds::of(&grant.after), grant.before.as_ref().map(Bounds::of));
    let kept = before.is_some_and(|before| manages(&before) && before.calls_models() == after.calls_models());
    if !manages(&after) || kept {
        return Ok(());
    }
    let what = "gives no key the scope 'router:manage', and takes 'inference' from none that has it";
    let limit = catalog_limit(&grant.giver, &grant.organization_budgets);
    limit.map_or(Ok(()), |limit| Err(within_limit("scopes", what, &limit)))
}

/// The limit within which a key calls models: its allow-list, its budget, or the organization's unless it may change
/// that.
fn catalog_limit(key: &BoundKey, organization_budgets: &[BudgetRow]) -> Option<String> {
    let own = Bounds::of(key);
    if !own.calls_models() {
        return None;
    }
    let models = own.models.map(|models| format!("the models {}", models.join(", ")));
    let shared = || {
        let hard = |budget: &BudgetRow| Some((budget.hard_limit_nano_dollars?, budget.period.as_str()));
        let (most, period) = organization_budgets.iter().find_map(hard)?;
        Some(format!("the organization's {most} nano-dollars for the {period}"))
    };
    models.or_else(|| own.budget()).or_else(|| shared().filter(|_| !own.has(Scope::BudgetsManage)))
}

fn within_limit(field: &'static str, what: &str, limit: &str) -> Error {
    let message = format!(
        "The calling key calls models itself, within a limit ({limit}), so it {what}: use a key without the scope \
         'inference', a key without such a limit, or the console."
    );
    Error::Invalid(vec![Violation::body(field, "value_error", message)])
}

#[cfg(test)]
mod tests;
