//! Section `[console]`: who may sign up.

use std::num::NonZeroU32;

/// Whether visitors may create organizations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    /// Every visitor who can reach the address may.
    #[default]
    Open,
    /// Only the operator, with `failsoft org create`.
    Closed,
}

/// The settings of section `[console]`.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// Whether visitors may sign up. Default open. `FAILSOFT_SIGNUP`, `--signup`.
    pub signup: SignUp,
    /// The most organizations that visitors may create per hour, from all addresses together. Default 300.
    pub signups_per_hour: NonZeroU32,
}

/// The default of `signups_per_hour`.
const SIGNUPS_PER_HOUR: NonZeroU32 = match NonZeroU32::new(300) {
    Some(number) => number,
    None => NonZeroU32::MIN,
};

impl Default for Console {
    fn default() -> Self {
        Self { signup: SignUp::default(), signups_per_hour: SIGNUPS_PER_HOUR }
    }
}
