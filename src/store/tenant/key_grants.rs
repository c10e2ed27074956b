//! Checks what an API key grants to another key or to itself, in the transaction of the change.
//!
//! A key that changes keys or budgets is the actor of its [`OrgStore`], which makes the check, so that no change of the
//! bounds of a key can skip it.

use entity::ids::ApiKeyId;
use sea_orm::{ColumnTrait as _, ConnectionTrait, QueryFilter as _};

use crate::domain::error::{CredentialFault, Error};
use crate::store::OrgStore;
use crate::store::tenant::api_keys::ApiKeyRow;
use crate::store::tenant::budgets::BudgetRow;
use crate::store::tenant::key_bounds;
use crate::store::tenant::organization_settings::OrganizationSettings;
use crate::store::transaction::Change;

/// A key with all of its bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundKey {
    /// The row of the key.
    pub row: ApiKeyRow,
    /// The budgets of the key.
    pub budgets: Vec<BudgetRow>,
}

/// A change of the bounds of a key, made by another key or by itself.
#[derive(Debug, Clone)]
pub struct KeyGrant {
    /// The calling key before the change.
    pub giver: BoundKey,
    /// The budgets of the organization itself.
    pub organization_budgets: Vec<BudgetRow>,
    /// The changed key before the change; `None` for a new key.
    pub before: Option<BoundKey>,
    /// The changed key after the change.
    pub after: BoundKey,
}

/// The state before a change, for the check.
pub(in crate::store) struct PendingGrant {
    giver: BoundKey,
    before: Option<BoundKey>,
}

impl PendingGrant {
    /// Compares the limits of the organization after a change with those before.
    ///
    /// # Errors
    /// The calling key has a bound itself and widens a limit of the organization.
    pub(in crate::store) fn check_limits(
        &self,
        before: &OrganizationSettings,
        after: &OrganizationSettings,
    ) -> Result<(), Error> {
        key_bounds::check_limits(&self.giver, before, after)
    }
}

/// The state before a change of a budget, for the check.
pub(in crate::store) struct PendingBudgetGrant {
    grant: PendingGrant,
    /// The budgets of the organization, if one of them changes.
    organization_budgets: Vec<BudgetRow>,
}

impl OrgStore {
    /// Reads the bounds of the actor and of the changed key. `None` if the actor is not a key, because its role decides.
    ///
    /// # Errors
    /// The calling key was revoked or has expired since the request began.
    pub(in crate::store) async fn pending_grant(
        &self,
        change: &Change,
        changing: Option<ApiKeyId>,
    ) -> Result<Option<PendingGrant>, Error> {
        let Some(giver) = change.actor().api_key_id() else { return Ok(None) };
        let refused = Error::Unauthenticated;
        let giver = self.bound_key(change.on(), giver).await?.ok_or(refused(CredentialFault::Unknown))?;
        if giver.row.revoked_at.is_some() {
            return Err(refused(CredentialFault::Unknown));
        }
        if giver.row.expires_at.is_some_and(|end| end <= self.clock().now()) {
            return Err(refused(CredentialFault::Expired));
        }
        let before = match changing {
            Some(id) => self.bound_key(change.on(), id).await?,
            None => None,
        };
        Ok(Some(PendingGrant { giver, before }))
    }

    /// Compares the state after the change with the state before.
    ///
    /// # Errors
    /// The key grants more than it has.
    pub(in crate::store) async fn settle_grant(
        &self,
        change: &Change,
        pending: Option<PendingGrant>,
        changed: ApiKeyId,
    ) -> Result<(), Error> {
        let Some(PendingGrant { giver, before }) = pending else { return Ok(()) };
        let Some(after) = self.bound_key(change.on(), changed).await? else { return Ok(()) };
        let organization_budgets = self.budget_rows(change.on(), None).await?;
        key_bounds::check(&KeyGrant { giver, organization_budgets, before, after })
    }

    /// The state before a change of a budget. A budget of a key is one of its bounds, and the organization's binds every
    /// key.
    pub(in crate::store) async fn budget_grant(
        &self,
        change: &Change,
        key: Option<ApiKeyId>,
    ) -> Result<Option<PendingBudgetGrant>, Error> {
        let Some(grant) = self.pending_grant(change, key).await? else { return Ok(None) };
        let organization_budgets = match key {
            Some(_) => Vec::new(),
            None => self.budget_rows(change.on(), None).await?,
        };
        Ok(Some(PendingBudgetGrant { grant, organization_budgets }))
    }

    /// Compares the state after a change of a budget with the state before.
    ///
    /// # Errors
    /// The key grants more than it has, or has a bound itself and widens the organization's budget.
    pub(in crate::store) async fn settle_budget_grant(
        &self,
        change: &Change,
        pending: Option<PendingBudgetGrant>,
        key: Option<ApiKeyId>,
    ) -> Result<(), Error> {
        let Some(PendingBudgetGrant { grant, organization_budgets }) = pending else { return Ok(()) };
        if let Some(id) = key {
            return self.settle_grant(change, Some(grant), id).await;
        }
        let after = self.budget_rows(change.on(), None).await?;
        key_bounds::check_organization(&grant.giver, &organization_budgets, &after)
    }

    /// Refuses a change of what a model is or costs to a key that calls models within limits.
    ///
    /// # Errors
    /// As [`key_bounds::check_catalog`].
    pub(in crate::store) async fn check_catalog_right(
        &self,
        change: &Change,
        field: &'static str,
    ) -> Result<(), Error> {
        let Some(actor) = change.actor().api_key_id() else { return Ok(()) };
        let Some(key) = self.bound_key(change.on(), actor).await? else { return Ok(()) };
        let budgets = self.budget_rows(change.on(), None).await?;
        key_bounds::check_catalog(&key, &budgets, field)
    }

    async fn bound_key(&self, on: &impl ConnectionTrait, id: ApiKeyId) -> Result<Option<BoundKey>, Error> {
        let Some(row) = self.api_key(on, id).await? else { return Ok(None) };
        let budgets = self.budget_rows(on, Some(id)).await?;
        Ok(Some(BoundKey { row: row.try_into()?, budgets }))
    }

    /// The budgets of a key; of the organization itself without one.
    async fn budget_rows(
        &self,
        on: &impl ConnectionTrait,
        key: Option<ApiKeyId>,
    ) -> Result<Vec<BudgetRow>, Error> {
        let column = entity::budgets::Column::ApiKeyId;
        let of_key = key.map_or_else(|| column.is_null(), |id| column.eq(id));
        self.budgets().filter(of_key).all(on).await?.into_iter().map(BudgetRow::try_from).collect()
    }
}
