//! Turns a whole response into the events of a stream, for providers that ignore `stream`. Each item is whole in its event.

use serde_json::value::RawValue;

use crate::dialects::members::Members;
use crate::dialects::whole_characters::whole_characters;

/// The events of a whole response, or `None` if it is not one.
#[must_use]
pub fn events(body: &[u8]) -> Option<Vec<u8>> {
    let body = &*whole_characters(body);
    let whole: &RawValue = serde_json::from_slice(body).ok()?;
    let members = Members::of(whole)?;
    let items = members.list("output")?;
    let kept =
        members.names().filter(|name| !matches!(*name, "output" | "status" | "usage" | "incomplete_details"));
    let kept = kept.filter_map(|name| {
        Some(format!("{}:{}", serde_json::to_string(name).ok()?, members.raw(name)?.get()))
    });
    let begun = kept.chain(["\"status\":\"in_progress\"".to_owned(), "\"output\":[]".to_owned()]);
    let begun = format!("{{{}}}", begun.collect::<Vec<_>>().join(","));
    let mut out = Events::default();
    out.add("response.created", &format!("\"response\":{begun}"));
    for (index, item) in items.iter().enumerate() {
        for kind in ["response.output_item.added", "response.output_item.done"] {
            out.add(kind, &format!("\"output_index\":{index},\"item\":{}", item.get()));
        }
    }
    let is_incomplete = members.text("status").as_deref() == Some("incomplete");
    let end = if is_incomplete { "response.incomplete" } else { "response.completed" };
    out.add(end, &format!("\"response\":{}", whole.get()));
    Some(out.text.into_bytes())
}

#[derive(Default)]
struct Events {
    text: String,
    number: u64,
}

impl Events {
    fn add(&mut self, kind: &str, members: &str) {
        let number = self.number;
        let event = format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number},{members}}}\n\n"
        );
        self.text += &event;
        self.number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_becomes_its_items_and_its_end() {
        let body = br#"{"id":"resp_1","status":"incomplete","model":"m","output":[{"type":"message","id":"msg_1","content":[]}],"usage":{"input_tokens":1.50}}"#;
        let text = String::from_utf8(events(body).expect("events")).expect("UTF-8");
        let names: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        let expected = [
            "response.created",
            "response.output_item.added",
            "response.output_item.done",
            "response.incomplete",
        ];
        assert_eq!(names, expected);
        for data in text.lines().filter_map(|line| line.strip_prefix("data: ")) {
            serde_json::from_str::<serde_json::Value>(data).expect(data);
        }
        assert!(text.contains("\"status\":\"in_progress\",\"output\":[]") && text.contains("1.50"), "{text}");
        assert!(events(b"[]").is_none() && events(br#"{"id":"resp_1"}"#).is_none());
    }
}
