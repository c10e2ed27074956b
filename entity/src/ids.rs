//! The ids of the tables: a UUID in a type of its own for each, so that the compiler refuses a mix-up.
//!
//! They only wrap. A new id is made where a clock is at hand (UUIDv7 carries the time), never here.
//! In JSON and in text an id is the plain hyphenated UUID; in the database it is the native type (a BLOB in SQLite).

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

        // SeaORM asks every primary key for this, for the sake of databases that only report the number of the last
        // inserted row. A UUID has no such number.
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
    /// Id of a row of [`sessions`](crate::sessions): someone logged in.
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
    /// Id of a row of [`models`](crate::models).
    ModelId
}
id! {
    /// Id of a row of [`model_prices`](crate::model_prices).
    ModelPriceId
}
id! {
    /// Id of a row of [`fallback_configs`](crate::fallback_configs): what events call `router_config_id`.
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
    /// Id of a row of [`requests`](crate::requests), and of the request itself from its first moment.
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
