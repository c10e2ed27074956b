//! Decides whether an answer is right.

use anyhow::{Context, bail};
use failsoft_bench::{streamed_events, streamed_text, whole_text};
use memchr::memmem;

/// The only right answer to the repeated request.
pub(crate) struct Expected {
    text: String,
    /// The number of `data:` events of a stream; `None` for an answer that is not streamed.
    events: Option<usize>,
    contains: Vec<String>,
}

impl Expected {
    /// Parses `whole` or `stream:N`.
    ///
    /// # Errors
    /// If the description is neither.
    pub(crate) fn described(description: &str, contains: Vec<String>) -> anyhow::Result<Self> {
        let (text, events) = match description.split_once(':') {
            None if description == "whole" => (whole_text(), None),
            Some(("stream", chunks)) => {
                let chunks = chunks.parse().context("stream:N needs a number of chunks")?;
                (streamed_text(chunks), Some(streamed_events(chunks)))
            }
            _ => bail!("an answer is `whole` or `stream:N`, not `{description}`"),
        };
        Ok(Self { text, events, contains })
    }

    /// The number of events in a right answer; otherwise what is wrong, in a few words that can be counted.
    pub(crate) fn check(&self, status: u16, body: &[u8]) -> Result<usize, String> {
        if status != 200 {
            return Err(format!("status {status}"));
        }
        let events = memmem::find_iter(body, "data:").count();
        if let Some(expected) = self.events {
            if events != expected {
                return Err(format!("{events} events instead of {expected}"));
            }
            if !body.trim_ascii_end().ends_with(b"data: [DONE]") {
                return Err("no [DONE] at the end".to_owned());
            }
        }
        if !self.is_said_by(body) {
            return Err("another text".to_owned());
        }
        match self.contains.iter().find(|text| memmem::find(body, text.as_bytes()).is_none()) {
            Some(missing) => Err(format!("without {missing}")),
            None => Ok(events),
        }
    }

    /// Whether the concatenated contents of the body are the expected text.
    fn is_said_by(&self, body: &[u8]) -> bool {
        const KEY: &[u8] = b"\"content\":\"";
        let mut rest = self.text.as_bytes();
        for at in memmem::find_iter(body, KEY) {
            let content = &body[at + KEY.len()..];
            let Some(end) = memchr::memchr(b'"', content) else {
                return false;
            };
            match rest.strip_prefix(&content[..end]) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        rest.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use failsoft_bench::fragments;

    use super::*;

    fn whole(text: &str) -> Vec<u8> {
        format!(r#"{{"model":"m","choices":[{{"message":{{"content":"{text}"}}}}]}}"#).into_bytes()
    }

    fn stream(contents: &[&str]) -> Vec<u8> {
        let mut body: String =
            contents.iter().map(|text| format!("data: {{\"content\":\"{text}\"}}\n\n")).collect();
        body.push_str("data: {}\n\ndata: {\"usage\":1}\n\ndata: [DONE]\n\n");
        body.into_bytes()
    }

    #[test]
    fn a_whole_answer_is_right_only_with_its_status_its_text_and_its_marks() {
        let expected = Expected::described("whole", vec!["\"model\":\"m\"".to_owned()]).expect("known");
        let text = whole_text();
        assert_eq!(expected.check(200, &whole(&text)), Ok(0));
        for (status, body) in [
            (503, whole(&text)),
            (200, whole(&text[1..])),
            (200, whole(&text[..text.len() - 1])),
            (200, whole(&format!("{text}."))),
            (200, whole("")),
            (200, String::from_utf8_lossy(&whole(&text)).replace("\"m\"", "\"n\"").into_bytes()),
        ] {
            assert!(expected.check(status, &body).is_err(), "{status} {}", String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn a_stream_is_right_only_whole_and_in_its_order() {
        let expected = Expected::described("stream:3", Vec::new()).expect("known");
        let words = fragments();
        let (first, second) = (words[1].as_str(), words[2].as_str());
        assert_eq!(expected.check(200, &stream(&["", first, second])), Ok(6));
        for contents in [["", second, first], ["", first, first], ["", first, ""]] {
            assert_eq!(expected.check(200, &stream(&contents)), Err("another text".to_owned()));
        }
        assert!(expected.check(200, &stream(&["", first])).is_err());
        assert!(expected.check(200, &stream(&["", first, second, ""])).is_err());
        let body = stream(&["", first, second]);
        let unfinished = [&body[..body.len() - "data: [DONE]\n\n".len()], b"data: {}\n\n"].concat();
        assert_eq!(expected.check(200, &unfinished), Err("no [DONE] at the end".to_owned()));
    }
}
