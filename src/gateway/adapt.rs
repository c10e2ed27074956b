//! The body that a candidate's provider gets: the caller's, with the candidate's own name for the model, without
//! the gateway's fields, and, behind another model, adapted to what this one takes.
//!
//! Imports `providers`, [`request`](super::request) and the store's snapshot. Pure.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::members::Members;
use super::request::{ChatRequest, OWN_MEMBERS, ROUTER_MEMBERS};
use crate::store::snapshot::ModelEntry;

/// A body for one candidate.
#[derive(Debug)]
pub struct Adapted {
    /// What is sent.
    pub body: Bytes,
    /// What was changed for this candidate's sake, in words, for the caller who asks.
    pub changes: Vec<String>,
}

/// Writes the body for `model`; `primary` is the one whose request its caller wrote.
#[must_use]
pub fn adapt(request: &ChatRequest, model: &ModelEntry, primary: bool) -> Adapted {
    let mut writer = Writer {
        out: Vec::with_capacity(request.body.len() + model.upstream_model.len() + 64),
        changes: Vec::new(),
    };
    let preset = model.provider.preset;
    let wants_usage = request.stream && preset.stream_usage;
    let mut options_written = false;
    writer.out.push(b'{');
    for part in &request.parts {
        let name = part.name.as_str();
        let value = request.value(part);
        let foreign = ROUTER_MEMBERS.contains(&name) && !preset.understands.contains(&name);
        if OWN_MEMBERS.contains(&name) || foreign || name == "model" {
            continue;
        }
        if name == "stream_options" && wants_usage {
            writer.member(name, &with_usage(value));
            options_written = true;
            continue;
        }
        if name == "stream_options" && !primary && !preset.stream_usage {
            writer.changes.push("dropped stream_options".to_owned());
            continue;
        }
        if primary {
            writer.member(name, value);
        } else {
            writer.adapted(request, model, name, value);
        }
    }
    if wants_usage && !options_written {
        writer.member("stream_options", br#"{"include_usage":true}"#);
    }
    writer.member("model", quoted(&model.upstream_model).as_bytes());
    writer.out.push(b'}');
    Adapted { body: writer.out.into(), changes: writer.changes }
}

struct Writer {
    out: Vec<u8>,
    changes: Vec<String>,
}

impl Writer {
    fn member(&mut self, name: &str, value: &[u8]) {
        if self.out.len() > 1 {
            self.out.push(b',');
        }
        self.name(name);
        self.out.push(b':');
        self.out.extend_from_slice(value);
    }

    fn name(&mut self, name: &str) {
        if is_plain(name) {
            self.out.push(b'"');
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b'"');
        } else {
            self.out.extend_from_slice(quoted(name).as_bytes());
        }
    }

    /// Renames, drops and clamps as the model's rules say.
    fn adapted(&mut self, request: &ChatRequest, model: &ModelEntry, name: &str, value: &[u8]) {
        let rules = &model.parameter_rules;
        if rules.drop.iter().any(|dropped| dropped == name) {
            self.changes.push(format!("dropped {name}"));
            return;
        }
        let renamed = rules.rename.get(name);
        if let Some(new) = renamed {
            if request.parts.iter().any(|part| part.name == *new) {
                self.changes.push(format!("dropped {name}"));
                return;
            }
            self.changes.push(format!("renamed {name} to {new}"));
        }
        let value = if rules.clamp_output && matches!(name, "max_tokens" | "max_completion_tokens") {
            self.clamped(model, name, value)
        } else {
            Cow::Borrowed(value)
        };
        self.member(renamed.map_or(name, String::as_str), &value);
    }

    fn clamped<'a>(&mut self, model: &ModelEntry, name: &str, value: &'a [u8]) -> Cow<'a, [u8]> {
        // As a fraction, because `1e6` is a number, too.
        let asked: Option<f64> = serde_json::from_slice(value).ok();
        match (asked, model.max_output_tokens) {
            (Some(asked), Some(most)) if asked > most as f64 => {
                self.changes.push(format!("lowered {name} to {most}"));
                Cow::Owned(most.to_string().into_bytes())
            }
            _ => Cow::Borrowed(value),
        }
    }
}

/// `stream_options` with `include_usage` on, and everything else in it as it was.
fn with_usage(options: &[u8]) -> Cow<'_, [u8]> {
    let Ok(members) = Members::parse(options) else {
        return Cow::Borrowed(br#"{"include_usage":true}"#);
    };
    if members.get("include_usage").map(RawValue::get) == Some("true") {
        return Cow::Borrowed(options);
    }
    let mut out = br#"{"include_usage":true"#.to_vec();
    for member in members.0.iter().filter(|member| member.name != "include_usage") {
        out.push(b',');
        out.extend_from_slice(quoted(&member.name).as_bytes());
        out.push(b':');
        out.extend_from_slice(member.value.get().as_bytes());
    }
    out.push(b'}');
    Cow::Owned(out)
}

/// A JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    if is_plain(text) { ["\"", text, "\""].concat() } else { serde_json::Value::from(text).to_string() }
}

/// Nothing in it needs escaping.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}
