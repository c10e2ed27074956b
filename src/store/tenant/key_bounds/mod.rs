//! The bounds of an API key. A key must not grant more than it has, to another key or to itself.
//!
//! The check runs for every change of a key or of a key's budget that a key makes. The structures are destructured
//! without `..`, so that a new bound does not compile until it is compared here.
//!
//! Scopes, models and an expiry can be copied to a new key. Limits cannot: two keys with 20 requests per minute have 40
//! together. So a key with a limit on requests per minute, concurrent requests or money creates no key that calls models.
//! The alternative, counting each call against all keys that created the calling key, would cost time in every request
//! and cause refusals that the page of the key does not explain.
//!
//! Nor does a key with any bound of its own, of whatever kind, widen a bound of another key, of whatever kind. Comparing
//! each bound with the same bound of the calling key is not enough: two keys with different bounds would lift each other's.
//! The organization's budget is a bound of every key, so such a key does not widen that either.

use chrono::{DateTime, Utc};

use crate::domain::error::{Error, Violation};
use crate::domain::period::Period;
use crate::domain::permission::Scope;
use crate::domain::plural::number_of;
use crate::store::{
    ApiKeyRow, BoundKey, BudgetRow, KeyGrant, Limits, ModelLimits, NamedLimit, OrganizationSettings,
};

/// All bounds of a key. `None` means unlimited.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bounds<'a> {
    scopes: &'a [String],
    models: Option<&'a [String]>,
    limits: Limits,
    model_limits: &'a ModelLimits,
    expires_at: Option<DateTime<Utc>>,
    /// The hard limits, in the order of [`Period::ALL`].
    budgets: [Option<i64>; Period::ALL.len()],
}

/// Checks that a key grants nothing that it does not have, and that one with any bound widens no bound of an existing key.
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
            requests_per_minute: _,
            concurrent_requests: _,
            requests_per_day: _,
            tokens_per_minute: _,
            tokens_per_day: _,
            model_limits,
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
        Self {
            scopes,
            models: models.as_deref(),
            limits: row.limits(),
            model_limits,
            expires_at: *expires_at,
            budgets: hard_limits(budgets),
        }
    }

    /// Checks the bounds of a new or changed key against those of the calling key.
    fn check(&self, own: &Self, before: Option<&Self>) -> Result<(), Error> {
        let added = |scope: &&String| before.is_none_or(|key| !key.scopes.contains(scope));
        let added: Vec<&String> = self.scopes.iter().filter(added).collect();
        if let Some(scope) = added.iter().find(|scope| !own.scopes.contains(scope)) {
            return Err(Error::ScopeMissing(Scope::parse(scope).map_or("unknown", Scope::as_str)));
        }
        let Some(limit) = own.limit() else { return Ok(()) };
        let adds = |scope: &Scope| added.iter().any(|word| *word == scope.as_str());
        self.check_rights(own, adds)?;
        if let Some(before) = before {
            self.check_narrows(before, own, &limit)?;
        }
        if before.is_none() || !added.is_empty() {
            self.check_within(own)?;
        }
        // A manager without any bound could widen every key.
        let manages = [Scope::KeysManage, Scope::BudgetsManage].into_iter().find(adds);
        match manages.filter(|_| self.limit().is_none()) {
            Some(scope) => Err(free_manager(scope, &limit)),
            None => Ok(()),
        }
    }

    /// A key with a limit cannot grant model calls, and a key with a budget cannot grant the scope to raise budgets.
    fn check_rights(&self, own: &Self, adds: impl Fn(&Scope) -> bool) -> Result<(), Error> {
        let calls = own.counted().filter(|_| adds(&Scope::Inference));
        let budgets = own.budget().filter(|_| adds(&Scope::BudgetsManage));
        match (calls, budgets) {
            (Some(limit), _) => Err(multiplied("the scope 'inference'", &limit)),
            (None, Some(limit)) => Err(multiplied("the scope 'budgets:manage'", &limit)),
            (None, None) => Ok(()),
        }
    }

    /// The one rule for changes by a key with any bound: no bound of the changed key becomes wider.
    fn check_narrows(&self, before: &Self, own: &Self, limit: &str) -> Result<(), Error> {
        let Some(field) = self.wider_than(before) else { return Ok(()) };
        if field == "models"
            && let (Some(after), Some(had), Some(own)) = (self.models, before.models, own.models)
            && let Some(name) = after.iter().find(|name| !own.contains(*name) && !had.contains(*name))
        {
            return Err(Error::ModelForbidden { model: name.clone() });
        }
        Err(widened(field, limit))
    }

    /// The field of the first bound that allows more than it did.
    fn wider_than(&self, before: &Self) -> Option<&'static str> {
        // New scopes are compared with those of the calling key.
        let Self { scopes: _, models, limits, model_limits, expires_at, budgets } = self;
        if let Some(field) = limits.wider_than(&before.limits) {
            return Some(field);
        }
        let mut money = budgets.iter().zip(before.budgets);
        [
            ("models", widens_models(*models, before.models)),
            ("model_limits", model_limits.wider_than(before.model_limits).is_some()),
            ("expires_at", exceeds(*expires_at, before.expires_at)),
            ("hard_limit_nano_dollars", money.any(|(after, had)| exceeds(*after, had))),
        ]
        .into_iter()
        .find_map(|(field, wider)| wider.then_some(field))
    }

    /// A key that is new, or that gets a new scope, must be within the bounds of the calling key.
    fn check_within(&self, own: &Self) -> Result<(), Error> {
        let Self { scopes: _, models, limits, model_limits, expires_at, budgets } = self;
        check_models(*models, own.models)?;
        for (after, own) in limits.named().into_iter().zip(own.limits.named()) {
            check_limit(after.field, after.limit, own.limit)?;
        }
        if let Some(model) = model_limits.wider_than(own.model_limits) {
            return Err(wider_for_model(model));
        }
        check_end(*expires_at, own.expires_at)?;
        if !self.calls_models() {
            return Ok(());
        }
        for (period, (after, own)) in Period::ALL.into_iter().zip(budgets.iter().zip(own.budgets)) {
            if let Some(most) = own.filter(|_| exceeds(*after, own)) {
                return Err(over_budget(period, most));
            }
        }
        Ok(())
    }

    /// The first bound of the key, of any kind.
    fn limit(&self) -> Option<String> {
        let end = || Some(format!("its end at {}", shown(self.expires_at?)));
        self.counted().or_else(|| self.allow_list()).or_else(end)
    }

    fn allow_list(&self) -> Option<String> {
        self.models.map(|models| format!("the models {}", models.join(", ")))
    }

    /// The first limit of the key on requests or money.
    fn counted(&self) -> Option<String> {
        let words = |named: NamedLimit| Some(number_of(named.limit?, named.what));
        let own = self.limits.named().into_iter().find_map(words);
        own.or_else(|| self.of_model()).or_else(|| self.budget())
    }

    /// The first model with limits of its own.
    fn of_model(&self) -> Option<String> {
        let (model, _) = self.model_limits.0.iter().find(|(_, limits)| !limits.is_empty())?;
        Some(format!("its limits for the model {model}"))
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

/// The hard limits of budgets, in the order of [`Period::ALL`].
fn hard_limits(budgets: &[BudgetRow]) -> [Option<i64>; Period::ALL.len()] {
    Period::ALL.map(|period| {
        let own = budgets.iter().find(|budget| budget.period == period);
        own.and_then(|budget| budget.hard_limit_nano_dollars)
    })
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

fn check_models(after: Option<&[String]>, own: Option<&[String]>) -> Result<(), Error> {
    let Some(own) = own else { return Ok(()) };
    let Some(after) = after else {
        let message = "The calling key may use some models only, so 'models' must name some of those.";
        return Err(Error::Invalid(vec![Violation::body("models", "value_error", message)]));
    };
    match after.iter().find(|name| !own.contains(*name)) {
        Some(name) => Err(Error::ModelForbidden { model: name.clone() }),
        None => Ok(()),
    }
}

fn check_limit(field: &'static str, after: Option<i64>, own: Option<i64>) -> Result<(), Error> {
    let Some(most) = own.filter(|_| exceeds(after, own)) else { return Ok(()) };
    let message = format!("The calling key is limited itself, so '{field}' must be 1 to {most}.");
    Err(Error::Invalid(vec![Violation::body(field, "value_error", message)]))
}

fn wider_for_model(model: &str) -> Error {
    let message = format!(
        "The calling key has limits for the model '{model}' itself, so 'model_limits' must have them, too."
    );
    Error::Invalid(vec![Violation::body("model_limits", "value_error", message)])
}

fn check_end(after: Option<DateTime<Utc>>, own: Option<DateTime<Utc>>) -> Result<(), Error> {
    let Some(last) = own.filter(|_| exceeds(after, own)) else { return Ok(()) };
    let message = format!("The calling key expires itself, so 'expires_at' must be at most {}.", shown(last));
    Err(Error::Invalid(vec![Violation::body("expires_at", "value_error", message)]))
}

fn shown(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn over_budget(period: Period, most: i64) -> Error {
    let period = period.as_str();
    let message = format!(
        "The calling key has a budget for the {period} itself, so this key needs a hard limit of at most {most} \
         nano-dollars for the {period}: change it with a key that has no limit, or in the console."
    );
    Error::Invalid(vec![Violation::body("scopes", "value_error", message)])
}

fn multiplied(what: &str, limit: &str) -> Error {
    let message = format!(
        "The calling key has a limit itself ({limit}), and two keys within it would have it twice, so it gives no key \
         {what}: use a key without such a limit, or the console."
    );
    Error::Invalid(vec![Violation::body("scopes", "value_error", message)])
}

fn widened(field: &'static str, limit: &str) -> Error {
    let message = format!(
        "The calling key has a limit itself ({limit}), so it lifts no limit of a key, and '{field}' must not allow more \
         than before: use a key without any limit, or the console."
    );
    Error::Invalid(vec![Violation::body(field, "value_error", message)])
}

fn widened_organization(field: &'static str, limit: &str) -> Error {
    let message = format!(
        "The calling key has a limit itself ({limit}), so it lifts no limit of the organization, and '{field}' must not \
         allow more than before: use a key without any limit, or the console."
    );
    Error::Invalid(vec![Violation::body(field, "value_error", message)])
}

fn free_manager(scope: Scope, limit: &str) -> Error {
    let message = format!(
        "The calling key has a limit itself ({limit}), so it gives the scope '{}' only to a key with a limit: send \
         'requests_per_minute', for example, or use a key without any limit, or the console.",
        scope.as_str()
    );
    Error::Invalid(vec![Violation::body("scopes", "value_error", message)])
}

/// Checks that a key with any bound does not widen the organization's budget, which binds it as well.
///
/// # Errors
/// [`Error::Invalid`] on the hard limit.
pub(in crate::store) fn check_organization(
    key: &BoundKey,
    before: &[BudgetRow],
    after: &[BudgetRow],
) -> Result<(), Error> {
    let mut money = hard_limits(after).into_iter().zip(hard_limits(before));
    let widens = money.any(|(after, had)| exceeds(after, had));
    match Bounds::of(key).limit().filter(|_| widens) {
        Some(limit) => Err(widened_organization("hard_limit_nano_dollars", &limit)),
        None => Ok(()),
    }
}

/// Checks that a key with any bound does not widen the organization's limits, which bind it as well.
///
/// # Errors
/// [`Error::Invalid`] on the limit.
pub(in crate::store) fn check_limits(
    key: &BoundKey,
    before: &OrganizationSettings,
    after: &OrganizationSettings,
) -> Result<(), Error> {
    let of_model = || after.model_limits.wider_than(&before.model_limits).map(|_| "model_limits");
    let wider = after.limits.wider_than(&before.limits).or_else(of_model);
    match (wider, Bounds::of(key).limit()) {
        (Some(field), Some(limit)) => Err(widened_organization(field, &limit)),
        (Some(_), None) | (None, _) => Ok(()),
    }
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

/// The limit within which a key calls models: its allow-list, its limits of models, its budget, or the organization's
/// unless it may widen that.
fn catalog_limit(key: &BoundKey, organization_budgets: &[BudgetRow]) -> Option<String> {
    let own = Bounds::of(key);
    if !own.calls_models() {
        return None;
    }
    let shared = || {
        let hard = |budget: &BudgetRow| Some((budget.hard_limit_nano_dollars?, budget.period.as_str()));
        let (most, period) = organization_budgets.iter().find_map(hard)?;
        Some(format!("the organization's {most} nano-dollars for the {period}"))
    };
    let widens = own.has(Scope::BudgetsManage) && own.limit().is_none();
    let of_key = own.allow_list().or_else(|| own.of_model()).or_else(|| own.budget());
    of_key.or_else(|| shared().filter(|_| !widens))
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
