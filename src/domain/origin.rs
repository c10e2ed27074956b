//! Where requests come from.

use serde::Serialize;

use crate::domain::closed_set::closed_set;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A caller's ordinary request.
    #[default]
    Live,
    /// A drill: the caller asked for models to fail.
    Drill,
    /// The sample data of the demo.
    Demo,
}

impl Origin {
    /// Every origin, in display order.
    pub const ALL: [Self; 3] = [Self::Live, Self::Drill, Self::Demo];

    /// The origins that roll-ups count. Drills are not counted.
    pub const COUNTED: [Self; 2] = [Self::Live, Self::Demo];

    /// The word in the database and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Drill => "drill",
            Self::Demo => "demo",
        }
    }
}

closed_set!(Origin);
