//! What a field of a message holds that no token price covers.

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
        _ => false,
    }
}
