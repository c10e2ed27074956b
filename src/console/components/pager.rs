//! The foot of a list: the ways to newer and older rows.

/// Where the pages beside this one are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pager {
    /// What this page holds.
    pub says: String,
    /// The page before it.
    pub newer: Option<String>,
    /// The page after it.
    pub older: Option<String>,
}
