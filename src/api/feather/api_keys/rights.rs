//! What a key may give to other keys, or to itself: nothing that it does not have.
//!
//! Else whoever holds a key with `keys:manage` alone would hold every right. A right that the other key has already
//! may stay. Imports `auth` for the scopes and the caller.

use crate::api::fields::Change;
use crate::auth::permission::Scope;
use crate::auth::principal::{Caller, KeysManage};
use crate::error::{Error, Result, Violation};
use crate::store::ApiKeyRow;
use crate::store::snapshot::ApiKeyEntry;

/// Checks that a new key, or a change of one, gives nothing away that the caller lacks.
///
/// # Errors
/// [`Error::ScopeMissing`], [`Error::ModelForbidden`]; [`Error::Invalid`] on `models` where the change would allow
/// all of them.
pub(super) fn check(
    caller: &Caller<KeysManage>,
    before: Option<&ApiKeyRow>,
    scopes: &[Scope],
    models: &Change<Vec<String>>,
) -> Result<()> {
    let has = |words: &[String], scope: Scope| words.iter().any(|word| word == scope.as_str());
    let is_added = |scope: &&Scope| before.is_none_or(|key| !has(&key.scopes, **scope));
    let mut added = scopes.iter().filter(is_added).peekable();
    let adds = added.peek().is_some();
    if let Some(scope) = added.find(|scope| !has(&caller.key.scopes, **scope)) {
        return Err(Error::ScopeMissing(scope.as_str()));
    }
    // A new scope is a new right on every model of the key's.
    let kept = before.filter(|_| !adds);
    check_models(&caller.key, before, kept, models)
}

fn check_models(
    caller: &ApiKeyEntry,
    before: Option<&ApiKeyRow>,
    kept: Option<&ApiKeyRow>,
    models: &Change<Vec<String>>,
) -> Result<()> {
    let Some(own) = &caller.models else { return Ok(()) };
    let after = match models {
        Change::Keep => before.and_then(|key| key.models.as_ref()),
        Change::Clear => None,
        Change::Set(models) => Some(models),
    };
    let Some(after) = after else {
        if kept.is_some_and(|key| key.models.is_none()) {
            return Ok(());
        }
        let message = "The calling key may use some models only, so 'models' must name some of those.";
        return Err(Error::Invalid(vec![Violation::body("models", "value_error", message)]));
    };
    let had = |name: &String| {
        kept.is_some_and(|key| key.models.as_ref().is_none_or(|models| models.contains(name)))
    };
    match after.iter().find(|name| !own.contains(*name) && !had(name)) {
        Some(name) => Err(Error::ModelForbidden { model: name.clone() }),
        None => Ok(()),
    }
}
