//! Inspects an ordinary answer or chunk by scanning it, which costs a fraction of parsing it. Whatever is not ordinary
//! is left to the parser.

use std::ops::Range;

use super::{Inspected, Ours};
use crate::dialects::bounded_object::MAX_MEMBERS;
use crate::gateway::call::choices;
use crate::gateway::request::json_object::{RawText, span};
use crate::gateway::request::json_scan::Cursor;
use crate::gateway::usage::pricing::{Tier, parse, scan_usage};
use crate::providers::is_empty_error;

/// Inspects an answer. `None` if it is anything but correct JSON with fields of the usual types.
pub(super) fn scan<const MEASURED: bool>(text: &[u8]) -> Option<Inspected> {
    let mut seen = Inspected::default();
    let mut cursor = Cursor::new(text)?;
    let whole = |value: RawText<'_>| span(text, value.bytes());
    let place = |value: RawText<'_>| -> Option<Range<usize>> {
        if value.bytes() == b"null" { None } else { Some(whole(value)) }
    };
    cursor.object(|cursor, name| {
        seen.members += 1;
        if seen.members > MAX_MEMBERS {
            return None;
        }
        match name {
            b"choices" => {
                let (choices, content) = choices::scan::<MEASURED>(cursor)?;
                (seen.choices, seen.chosen) = (choices, true);
                seen.content = content.map(whole);
            }
            b"usage" | b"usageMetadata" | b"usage_metadata" => {
                let usage =
                    if cursor.is_at_object() { scan_usage(cursor)? } else { parse(cursor.value()?.get()) };
                seen.usage = seen.usage.followed_by(usage);
            }
            b"service_tier" | b"serviceTier" => {
                seen.usage.tier = Tier::read(cursor.value()?.get()).or(seen.usage.tier)
            }
            b"model" => seen.name_at(Ours::Model, whole(cursor.value()?)),
            b"provider" => seen.name_at(Ours::Provider, whole(cursor.value()?)),
            b"id" => seen.id = place(cursor.value()?),
            b"object" => seen.object = place(cursor.value()?),
            b"created" => seen.created = place(cursor.value()?),
            b"error" => {
                let error = cursor.value()?;
                seen.error = if is_empty_error(error.get()) { None } else { Some(whole(error)) };
            }
            b"system_fingerprint" => {
                seen.fingerprint = true;
                cursor.value()?;
            }
            b"obfuscation" => {
                cursor.value()?;
            }
            // Their content decides, and they are rare.
            b"x_groq" | b"promptFeedback" | b"prompt_feedback" => return None,
            name => {
                seen.odd = true;
                seen.extras |= choices::shows_search(name, cursor.value()?.get());
            }
        }
        Some(())
    })?;
    cursor.is_over().then_some(seen)
}
