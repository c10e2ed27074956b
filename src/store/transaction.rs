//! A change of an organization's configuration: one transaction that ends in new snapshots.
//!
//! The organization's row is updated first, so that two changes of one organization wait for each other and
//! neither is lost; the global counter is moved last, which tells the other processes. The audit entries of a
//! change are written in its own transaction: no change without its entry, no entry without its change.

use chrono::{DateTime, Utc};
use entity::ids::OrganizationId;
use entity::{audit_entries, instance_state, organizations};
use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, ExprTrait as _, QueryFilter};

use super::{OrgStore, Store};
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::domain::error::Error;
use crate::store::tenant::audit::AuditEntry;

/// A transaction on one organization's configuration. Dropped without [`Change::commit`], it leaves no trace.
pub(super) struct Change {
    store: Store,
    organization_id: OrganizationId,
    version: i64,
    actor: Actor,
    transaction: DatabaseTransaction,
}

impl OrgStore {
    /// Starts a change of this organization's configuration.
    pub(in crate::store) async fn change(&self) -> Result<Change, Error> {
        Change::begin(&self.store, self.organization_id, self.actor.clone()).await
    }
}

impl Change {
    pub(super) async fn begin(
        store: &Store,
        organization_id: OrganizationId,
        actor: Actor,
    ) -> Result<Self, Error> {
        let transaction = store.begin().await?;
        let moved: Option<organizations::Model> = organizations::Entity::update_many()
            .col_expr(organizations::Column::Version, Expr::col(organizations::Column::Version).add(1))
            .col_expr(organizations::Column::UpdatedAt, Expr::value(store.inner.clock.now()))
            .filter(organizations::Column::Id.eq(organization_id))
            .exec_with_returning(&transaction)
            .await?
            .pop();
        let version = moved.ok_or_else(|| Error::absent("organization", organization_id))?.version;
        Ok(Self { store: store.clone(), organization_id, version, actor, transaction })
    }

    /// The transaction, for the change's own statements.
    pub(super) fn on(&self) -> &DatabaseTransaction {
        &self.transaction
    }

    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Writes down who changed what.
    pub(super) async fn audit(&self, entry: AuditEntry) -> Result<(), Error> {
        let clock = &self.store.inner.clock;
        audit(&self.transaction, clock, self.organization_id, &self.actor, entry).await
    }

    /// Makes the change last and in force: when this returns, requests of this process see it.
    pub(super) async fn commit(self) -> Result<(), Error> {
        tell_other_processes(&self.transaction).await?;
        self.transaction.commit().await?;
        self.store.inner.snapshots.refresh(&self.store, self.organization_id, self.version).await
    }
}

/// A change that was made for one state of a row, told by the microsecond of its last change, is not made over another.
pub(super) fn check_seen(seen: Option<i64>, updated_at: DateTime<Utc>) -> Result<(), Error> {
    let current = updated_at.timestamp_micros();
    match seen {
        Some(seen) if seen != current => Err(Error::RevisionChanged { current }),
        _ => Ok(()),
    }
}

/// Writes down who changed what, in the transaction of the change.
pub(super) async fn audit(
    transaction: &DatabaseTransaction,
    clock: &Clock,
    organization_id: OrganizationId,
    actor: &Actor,
    entry: AuditEntry,
) -> Result<(), Error> {
    audit_entries::Entity::insert(audit_entries::ActiveModel {
        id: Set(clock.new_id().into()),
        organization_id: Set(organization_id),
        actor_kind: Set(actor.kind().to_owned()),
        actor_id: Set(actor.id()),
        actor_label: Set(actor.label().to_owned()),
        action: Set(entry.action.to_owned()),
        resource_kind: Set(entry.resource_kind.to_owned()),
        resource_id: Set(Some(entry.resource_id)),
        resource_name: Set(entry.resource_name),
        before: Set(entry.before),
        after: Set(entry.after),
        request_id: Set(actor.request_id()),
        created_at: Set(clock.now()),
    })
    .exec_without_returning(transaction)
    .await?;
    Ok(())
}

/// Moves the counter that every process watches. The last statement of a transaction: all changes meet here.
pub(super) async fn tell_other_processes(transaction: &DatabaseTransaction) -> Result<(), Error> {
    instance_state::Entity::update_many()
        .col_expr(instance_state::Column::Value, Expr::col(instance_state::Column::Value).add(1))
        .filter(instance_state::Column::Name.eq(super::snapshot::CHANGE_COUNTER))
        .exec(transaction)
        .await?;
    Ok(())
}
