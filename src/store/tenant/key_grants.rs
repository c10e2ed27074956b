//! What a key gives to a key, another one or itself: read in the transaction of the change, and compared before it holds.
//!
//! A key that changes keys or budgets is the actor of its [`OrgStore`], which carries the comparison. So there is no
//! way to a key's bounds that leaves it out.

use entity::ids::ApiKeyId;
use sea_orm::{ColumnTrait as _, ConnectionTrait, QueryFilter as _};

use crate::domain::error::{CredentialFault, Error};
use crate::store::OrgStore;
use crate::store::tenant::api_keys::ApiKeyRow;
use crate::store::tenant::budgets::BudgetRow;
use crate::store::tenant::key_bounds;
use crate::store::transaction::Change;

/// A key with everything that bounds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundKey {
    /// The key.
    pub row: ApiKeyRow,
    /// Its own budgets.
    pub budgets: Vec<BudgetRow>,
}

/// A change of a key's bounds that another key makes, or the key itself.
#[derive(Debug, Clone)]
pub struct KeyGrant {
    /// The key that calls, as it was before the change.
    pub giver: BoundKey,
    /// The key that changes, as it was. None: it is made by this change.
    pub before: Option<BoundKey>,
    /// The key as the change leaves it.
    pub after: BoundKey,
}

/// What a change will be compared with, read before it is made.
pub(in crate::store) struct PendingGrant {
    giver: BoundKey,
    before: Option<BoundKey>,
}

impl OrgStore {
    /// What the actor has and what the changing key had. None: the actor is no key, and its role decides.
    ///
    /// # Errors
    /// The calling key was revoked or has expired since its request began.
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

    /// Compares what the change left with what was read before it.
    ///
    /// # Errors
    /// What the comparison says: the key gives more than it has.
    pub(in crate::store) async fn settle_grant(
        &self,
        change: &Change,
        pending: Option<PendingGrant>,
        changed: ApiKeyId,
    ) -> Result<(), Error> {
        let Some(PendingGrant { giver, before }) = pending else { return Ok(()) };
        let Some(after) = self.bound_key(change.on(), changed).await? else { return Ok(()) };
        key_bounds::check(&KeyGrant { giver, before, after })
    }

    /// A budget of a key is one of its bounds; the organization's is not a key's to compare.
    pub(in crate::store) async fn budget_grant(
        &self,
        change: &Change,
        key: Option<ApiKeyId>,
    ) -> Result<Option<PendingGrant>, Error> {
        match key {
            Some(id) => self.pending_grant(change, Some(id)).await,
            None => Ok(None),
        }
    }

    pub(in crate::store) async fn settle_budget_grant(
        &self,
        change: &Change,
        grant: Option<PendingGrant>,
        key: Option<ApiKeyId>,
    ) -> Result<(), Error> {
        match key {
            Some(id) => self.settle_grant(change, grant, id).await,
            None => Ok(()),
        }
    }

    async fn bound_key(&self, on: &impl ConnectionTrait, id: ApiKeyId) -> Result<Option<BoundKey>, Error> {
        let Some(row) = self.api_key(on, id).await? else { return Ok(None) };
        let budgets = self.budgets().filter(entity::budgets::Column::ApiKeyId.eq(id)).all(on).await?;
        let budgets = budgets.into_iter().map(BudgetRow::try_from).collect::<Result<_, _>>()?;
        Ok(Some(BoundKey { row: row.try_into()?, budgets }))
    }
}
