//! Section `[console]`: who may enter the pages.

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
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Console {
    /// Default open. `FAILSOFT_SIGNUP`, `--signup`.
    pub signup: SignUp,
}
