//! The members of a request that name its user, or label it for its sender or its provider.

/// Fields that name the user of a request, or a share of the limits of an account.
pub(in crate::gateway) const OWNERS: [&str; 6] =
    ["user", "safety_identifier", "end_user", "prompt_cache_key", "litellm_metadata", "tags"];

/// Members of `metadata` that do.
pub(in crate::gateway) const OWNERS_IN_METADATA: [&str; 5] =
    ["user_id", "user", "end_user", "session_id", "tags"];

/// Whether a field only labels a request: no answer depends on it.
pub(in crate::gateway) fn is_label(name: &str) -> bool {
    name == "metadata" || OWNERS.contains(&name)
}
