//! Id types: a separate UUID type for each table, so that the compiler rejects a mix-up.
//!
//! New ids are UUIDv7, which contain the time, so the clock of the application creates them.
//! In JSON and text an id is a hyphenated UUID. In the database it has the native type, which is a BLOB in SQLite.

use std::fmt;
use std::str::FromStr;

use sea_orm::entity::prelude::*;
use sea_orm::{DbErr, TryFromU64};
use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType,
        )]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }

        // SeaORM requires this of every primary key, for databases that report the row number of the last insert. A UUID
        // has none.
        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
}

id! {
    /// Id of a row of [`organizations`](crate::organizations).
    OrganizationId
}
id! {
    /// Id of a row of [`users`](crate::users).
    UserId
}
id! {
    /// Id of a row of [`sessions`](crate::sessions).
    SessionId
}
id! {
    /// Id of a row of [`invitations`](crate::invitations).
    InvitationId
}
id! {
    /// Id of a row of [`one_time_links`](crate::one_time_links).
    OneTimeLinkId
}
id! {
    /// Id of a row of [`api_keys`](crate::api_keys).
    ApiKeyId
}
id! {
    /// Id of a row of [`providers`](crate::providers).
    ProviderId
}
id! {
    /// Id of a credential: of a row of [`provider_credentials`](crate::provider_credentials), or of the provider itself for
    /// its first credential, which is in the provider's own row.
    ProviderCredentialId
}
id! {
    /// Id of a row of [`models`](crate::models).
    ModelId
}
id! {
    /// Id of a row of [`model_prices`](crate::model_prices).
    ModelPriceId
}
id! {
    /// Id of a row of [`fallback_configs`](crate::fallback_configs); events store it as `router_config_id`.
    FallbackConfigId
}
id! {
    /// Id of a row of [`fallback_revisions`](crate::fallback_revisions).
    FallbackRevisionId
}
id! {
    /// Id of a row of [`fallback_events`](crate::fallback_events).
    FallbackEventId
}
id! {
    /// Id of a request, from its arrival on, and of its row in [`requests`](crate::requests).
    RequestId
}
id! {
    /// Id of a row of [`budgets`](crate::budgets).
    BudgetId
}
id! {
    /// Id of a row of [`error_mappings`](crate::error_mappings).
    ErrorMappingId
}
id! {
    /// Id of a row of [`audit_entries`](crate::audit_entries).
    AuditEntryId
}
id! {
    /// Id of a row of [`outbox`](crate::outbox).
    OutboxId
}
