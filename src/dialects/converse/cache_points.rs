//! The marks for the cache in a request that is written, as a model takes them.

use memchr::memmem;
use serde_json::value::RawValue;

use crate::dialects::change::{Changes, Verb};
use crate::dialects::members::{Members, list};
use crate::dialects::turns::cache_mark::NAME;

const POINT: &str = "cachePoint";
/// A mark with the usual time.
const USUAL: &str = r#"{"cachePoint":{"type":"default"}}"#;

/// Which marks a model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// None at all: it refuses a request with one.
    None,
    /// Those with the usual time.
    Usual,
    /// Those for an hour, too.
    Hour,
}

/// A member of a request with the marks that are taken: `messages`, `system` or `toolConfig`. `None` if it stays as it is.
#[must_use]
pub fn fitted(value: &[u8], taken: Taken, changes: &mut Changes) -> Option<String> {
    if taken == Taken::Hour {
        return None;
    }
    memmem::find(value, POINT.as_bytes())?;
    let value: &RawValue = serde_json::from_slice(value).ok()?;
    let mut fitting = Fitting { taken, changes, changed: false };
    let written = match list(value) {
        Some(blocks) => fitting.list(&blocks),
        None => fitting.object(&Members::of(value)?, ["tools", "toolChoice"])?,
    };
    fitting.changed.then_some(written)
}

struct Fitting<'c> {
    taken: Taken,
    changes: &'c mut Changes,
    changed: bool,
}

impl Fitting<'_> {
    /// A list of blocks, tools or messages.
    fn list(&mut self, elements: &[&RawValue]) -> String {
        let kept: Vec<String> = elements.iter().filter_map(|element| self.element(element)).collect();
        format!("[{}]", kept.join(","))
    }

    /// An element of such a list; `None` if it is left out.
    fn element(&mut self, element: &RawValue) -> Option<String> {
        let own = || element.get().to_owned();
        let Some(members) = Members::of(element) else { return Some(own()) };
        let Some(point) = members.raw(POINT) else {
            let is_message = members.raw("role").is_some();
            let written = is_message.then(|| self.object(&members, ["content", "role"])).flatten();
            return Some(written.unwrap_or_else(own));
        };
        let is_long = Members::of(point).is_some_and(|point| point.text("ttl").as_deref() == Some("1h"));
        match self.taken {
            Taken::None => {
                self.changed = true;
                self.changes.stripped(NAME);
                None
            }
            Taken::Usual if is_long => {
                self.changed = true;
                self.changes.note(Verb::Clamped, NAME);
                Some(USUAL.to_owned())
            }
            Taken::Usual | Taken::Hour => Some(own()),
        }
    }

    /// An object of two members, of which the first one is such a list. `None` if it is none.
    fn object(&mut self, members: &Members<'_>, [listed, other]: [&str; 2]) -> Option<String> {
        let written = self.list(&members.list(listed)?);
        let other = members.raw(other).map(|value| format!(",\"{other}\":{}", value.get()));
        Some(format!("{{\"{listed}\":{written}{}}}", other.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_gets_the_marks_that_it_takes() {
        let (usual, hour) = (USUAL, r#"{"cachePoint":{"type":"default","ttl":"1h"}}"#);
        let message = |marks: &str| {
            let call = r#"{"toolUse":{"toolUseId":"t","name":"n","input":{"z": 1.0,"cachePoint":{}}}}"#;
            format!(r#"[{{"content":[{call}{marks}],"role":"assistant"}}]"#)
        };
        let tools = |marks: &str| {
            format!(r#"{{"tools":[{{"toolSpec":{{"name":"n"}}}}{marks}],"toolChoice":{{"auto":{{}}}}}}"#)
        };
        let system = |marks: &str| format!(r#"[{{"text":"S"}}{marks}]"#);
        for of in [&message as &dyn Fn(&str) -> String, &tools, &system] {
            let sent = of(&format!(",{hour}"));
            for (taken, expected, names) in [
                (Taken::Hour, None, vec![]),
                (Taken::Usual, Some(of(&format!(",{usual}"))), vec!["clamped:cache_control"]),
                (Taken::None, Some(of("")), vec!["stripped:cache_control"]),
            ] {
                let mut changes = Changes::default();
                assert_eq!(fitted(sent.as_bytes(), taken, &mut changes), expected, "{taken:?}: {sent}");
                assert_eq!(changes.into_names(), names, "{taken:?}: {sent}");
            }
            let sent = of(&format!(",{usual}"));
            assert_eq!(fitted(sent.as_bytes(), Taken::Usual, &mut Changes::default()), None);
            assert_eq!(fitted(of("").as_bytes(), Taken::None, &mut Changes::default()), None);
        }
    }
}
