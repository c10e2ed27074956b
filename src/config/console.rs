//! Section `[console]`: who may enter the pages.

use std::num::NonZeroU32;

/// Whether strangers may make an organization for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Whoever reaches the address may.
    #[default]
    Open,
    /// Only the operator, with `failsoft org create`.
    Closed,
}

/// Section `[console]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// Default open. `FAILSOFT_SIGNUP`, `--signup`.
    pub signup: SignUp,
    /// New organizations that may be made at the sign-up in an hour, from all addresses together. Default 300.
    pub signups_per_hour: NonZeroU32,
}

/// Its default.
const SIGNUPS_PER_HOUR: NonZeroU32 = match NonZeroU32::new(300) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};

impl Default for Console {
    fn default() -> Self {
        Self { signup: SignUp::default(), signups_per_hour: SIGNUPS_PER_HOUR }
    }
}
