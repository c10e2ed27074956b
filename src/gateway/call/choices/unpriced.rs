//! What an answer holds that no token price covers.

use super::blank::{SMALL, is_blank};
use crate::gateway::request::json_object::RawObject;
use crate::gateway::usage::pricing::counts_extras;

/// Whether a field of a message has something that no token price covers.
pub(super) fn has_extras(name: &[u8], value: &str) -> bool {
    match name {
        b"images" | b"image" | b"video" | b"videos" => value.len() > 2 && value != "null" && value != "false",
        b"content" => {
            // In a text, these quotes are escaped.
            let marks =
                ["\"image_url\":", "\"type\":\"image", "\"type\": \"image", "\"type\":\"output_image"];
            value.starts_with('[') && marks.iter().any(|mark| value.contains(mark))
        }
        b"annotations" => value.contains("url_citation"),
        // Of documents in the prompt, which cost nothing more.
        b"citations" => false,
        b"provider_specific_fields" => {
            let fields = RawObject::parse(value.as_bytes());
            fields.is_ok_and(|fields| {
                fields.0.iter().any(|field| shows_search(field.name.as_bytes(), field.value.get()))
            })
        }
        _ => shows_search(name, value),
    }
}

/// Whether a field of an answer, of a choice or of a message shows that its provider searched or ran tools of its own, which
/// it bills apart.
pub(in crate::gateway::call) fn shows_search(name: &[u8], value: &str) -> bool {
    match name {
        b"citations"
        | b"search_results"
        | b"executed_tools"
        | b"groundingMetadata"
        | b"grounding_metadata"
        | b"vertex_ai_grounding_metadata" => {
            value.starts_with(['{', '[']) && (value.len() >= SMALL || !is_blank(value))
        }
        b"server_side_tool_usage"
        | b"server_side_tool_usage_details"
        | b"num_sources_used"
        | b"num_search_queries" => counts_extras(value),
        _ => false,
    }
}
