//! The items of a response's input, as far as they are more than turns: what the provider keeps, and tools.
//!
//! Budgets and failures ask the same: what a request names of the provider's account has no known size, and may be missing
//! there.

use serde_json::value::RawValue;

use super::tools::has_providers_tool;
use crate::dialects::members::{Members, list};
use crate::dialects::responses::tools::held;

/// Types of items that name or seal what only the provider can read.
const KEPT: [&str; 4] = ["compaction", "compaction_summary", "item_reference", "mcp_approval_response"];
/// The type of an item that holds a picture, or names one that the provider keeps.
const PICTURE: &str = "image_generation_call";

/// The items of an input.
#[derive(Debug)]
pub(in crate::gateway) struct Items<'a>(Vec<&'a RawValue>);

impl<'a> Items<'a> {
    /// Reads an input. `None` if it is not a list of items, or too long a list.
    pub(in crate::gateway) fn of(input: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(input).ok().and_then(list).map(Self)
    }

    /// Whether an item names or seals what the provider keeps, so that its content is not in the request.
    pub(in crate::gateway) fn name_what_is_kept(&self) -> bool {
        self.members().any(|item| match item.text("type") {
            Some(kind) if kind == PICTURE => item.raw("result").is_none(),
            Some(kind) => KEPT.contains(&kind.as_str()),
            // A message may lack its type, and so may a reference.
            None => item.raw("role").is_none() && item.raw("content").is_none(),
        })
    }

    /// Whether an item offers a tool that the provider, or a server that it connects to, runs.
    pub(in crate::gateway) fn offer_a_providers_tool(&self) -> bool {
        let mut lists = self.members().filter_map(|item| item.raw("tools"));
        lists.any(|tools| has_providers_tool(tools.get().as_bytes()))
    }

    /// The items that hold tools, and the input without them. `None` if none does.
    pub(in crate::gateway) fn apart_from_tools(&self) -> Option<(Vec<&'a RawValue>, String)> {
        let holds = |item: &&RawValue| Members::of(item).is_some_and(|item| held(&item).is_some());
        let (holders, others): (Vec<&'a RawValue>, Vec<&'a RawValue>) =
            self.0.iter().copied().partition(holds);
        let others: Vec<&str> = others.into_iter().map(RawValue::get).collect();
        (!holders.is_empty()).then(|| (holders, format!("[{}]", others.join(","))))
    }

    fn members(&self) -> impl Iterator<Item = Members<'a>> {
        self.0.iter().copied().filter_map(Members::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether items name what is kept, and whether they offer a tool of the provider.
    fn read(input: &str) -> Option<(bool, bool)> {
        let items = Items::of(input.as_bytes())?;
        Some((items.name_what_is_kept(), items.offer_a_providers_tool()))
    }

    #[test]
    fn items_name_what_the_provider_keeps_or_offer_its_tools() {
        for (input, expected) in [
            ("[]", (false, false)),
            (
                r#"[{"role":"user","content":"item_reference"},{"type":"message","role":"user"}]"#,
                (false, false),
            ),
            (r#"[{"type":"function_call_output","call_id":"c","output":"1"}]"#, (false, false)),
            (r#"[{"type":"item_reference","id":"msg_1"}]"#, (true, false)),
            (r#"[{"type":"item\u005freference","id":"msg_1"}]"#, (true, false)),
            (r#"[{"role":"user","content":"Hi"},{"id":"msg_1"}]"#, (true, false)),
            (r#"[{"type":"compaction","encrypted_content":"x"}]"#, (true, false)),
            (r#"[{"type":"mcp_approval_response","approval_request_id":"a"}]"#, (true, false)),
            (r#"[{"type":"image_generation_call","id":"ig_1"}]"#, (true, false)),
            (r#"[{"type":"image_generation_call","id":"ig_1","result":"AAAA"}]"#, (false, false)),
            (r#"[{"type":"additional_tools","tools":[{"type":"function","name":"f"}]}]"#, (false, false)),
            (r#"[{"type":"additional_tools","tools":[{"type":"web_search"}]}]"#, (false, true)),
        ] {
            assert_eq!(read(input), Some(expected), "{input}");
        }
        assert_eq!(read("\"a text\""), None);
    }

    #[test]
    fn items_with_tools_are_apart_from_the_others() {
        let apart = |input: &str| {
            let (holders, rest) = Items::of(input.as_bytes())?.apart_from_tools()?;
            Some((holders.len(), rest))
        };
        let said = r#"{"role":"user","content":"Hi","tools":[]}"#;
        assert_eq!(apart(&format!("[{said}]")), None);
        let tools = r#"{"type":"additional_tools","tools":[]}"#;
        assert_eq!(apart(&format!("[{tools},{said}]")), Some((1, format!("[{said}]"))));
    }
}
