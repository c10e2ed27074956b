//! Members and parameters that many vendors refuse alike.

use super::AllowedMembers;

/// Members that other vendors add to assistant messages.
pub(super) const FOREIGN: AllowedMembers = AllowedMembers::Without(&[
    "reasoning_content",
    "reasoning",
    "reasoning_details",
    "thinking",
    "thinking_blocks",
    "provider_specific_fields",
    "cache_control",
    "extra_content",
    "citations",
    "images",
    "prefix",
]);

/// The same for a vendor that has `reasoning_content` itself.
pub(super) const FOREIGN_BUT_REASONING: AllowedMembers = AllowedMembers::Without(&[
    "reasoning",
    "reasoning_details",
    "thinking",
    "thinking_blocks",
    "provider_specific_fields",
    "cache_control",
    "extra_content",
    "refusal",
    "annotations",
    "audio",
    "citations",
    "images",
    "prefix",
]);

/// The members of a call of a tool.
pub(super) const CALL: AllowedMembers = AllowedMembers::Only(&["id", "type", "function", "custom"]);
