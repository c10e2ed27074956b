//! The headers of a caller that reach providers: the trace, and those that belong to the caller's dialect.
//!
//! A beta feature of Anthropic is a member of the body and a header together, and one without the other is refused. So all
//! of Anthropic's own headers pass to providers of Messages.

use http::header::{HeaderName, HeaderValue};

use crate::dialects::Dialect;
use crate::domain::error::{Error, Result};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The header with Anthropic's names of beta features.
pub const BETA: &str = "anthropic-beta";

/// The prefix of Anthropic's own headers.
const ANTHROPICS: &str = "anthropic-";

/// The longest name in such a header, in bytes.
const LONGEST_NAME: usize = 256;

/// What such a header has to be.
const NAMES: &str =
    "must be a list of names, separated by commas: letters, digits and . _ : / = + - @, at most 256 each.";

/// The headers of a caller that reach providers.
#[derive(Debug, Clone, Default)]
pub struct PassedHeaders(Vec<(HeaderName, HeaderValue)>);

impl PassedHeaders {
    /// The headers of a request that pass, in the dialect of its endpoint.
    ///
    /// # Errors
    /// 400 if a header of the dialect is more than a list of names: a provider's error would repeat it.
    pub fn of<'a>(dialect: Dialect, headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Self> {
        let passes = |name: &str| match dialect {
            Dialect::ChatCompletions | Dialect::Responses | Dialect::Gemini | Dialect::Converse => false,
            Dialect::Messages => name.starts_with(ANTHROPICS),
        };
        let passed = headers.into_iter().filter_map(|(name, value)| {
            let passes = passes(name) || (name == TRACEPARENT && is_traceparent(value));
            if !passes {
                return None;
            }
            Some((HeaderName::try_from(name).ok()?, HeaderValue::from_bytes(value).ok()?))
        });
        let passed = joined(passed);
        match passed.iter().find(|(name, value)| passes(name.as_str()) && !is_list_of_names(value.as_bytes()))
        {
            Some((name, _)) => {
                Err(Error::refused(None, "invalid_header", format!("The header '{name}' {NAMES}")))
            }
            None => Ok(Self(passed)),
        }
    }

    /// Those that mean the same to providers of every dialect.
    #[must_use]
    pub fn of_any_dialect(&self) -> Self {
        Self(self.0.iter().filter(|(name, _)| *name == TRACEPARENT).cloned().collect())
    }

    /// The names of beta features that the caller asks for; empty if there are none.
    #[must_use]
    pub fn betas(&self) -> &str {
        let betas = self.0.iter().find(|(name, _)| name == BETA);
        betas.and_then(|(_, value)| value.to_str().ok()).unwrap_or_default()
    }

    /// The names and values, each name once.
    pub fn iter(&self) -> std::slice::Iter<'_, (HeaderName, HeaderValue)> {
        self.0.iter()
    }
}

/// Joins the values of a name that occurs several times, as lists in headers may be split.
fn joined(headers: impl Iterator<Item = (HeaderName, HeaderValue)>) -> Vec<(HeaderName, HeaderValue)> {
    let mut all: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (name, value) in headers {
        match all.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => {
                let both = [known.as_bytes(), value.as_bytes()].join(b",".as_slice());
                if let Ok(both) = HeaderValue::from_bytes(&both) {
                    *known = both;
                }
            }
            None => all.push((name, value)),
        }
    }
    all
}

/// Whether a value has only names between commas, such as versions, ids and beta features.
fn is_list_of_names(value: &[u8]) -> bool {
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"._:/=+-@".contains(byte);
    value
        .split(|byte| *byte == b',')
        .map(<[u8]>::trim_ascii)
        .all(|name| name.len() <= LONGEST_NAME && name.iter().all(in_name))
}

/// Whether it is well-formed: `00-<32 hex>-<16 hex>-<2 hex>`.
fn is_traceparent(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b'-');
    let mut hex = |length: usize| {
        parts.next().is_some_and(|part| part.len() == length && part.iter().all(u8::is_ascii_hexdigit))
    };
    hex(2) && hex(32) && hex(16) && hex(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn passed(dialect: Dialect) -> Vec<(String, String)> {
        let sent: [(&str, &[u8]); 6] = [
            ("anthropic-beta", b"a"),
            ("anthropic-version", b"2023-06-01"),
            ("anthropic-beta", b"b,c"),
            ("authorization", b"Bearer secret"),
            ("x-api-key", b"secret"),
            ("traceparent", TRACE),
        ];
        let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
        let passed = PassedHeaders::of(dialect, sent).expect("lists of names");
        passed.iter().map(|(name, value)| (name.to_string(), text(value.as_bytes()))).collect()
    }

    #[test]
    fn only_the_headers_of_the_dialect_and_the_trace_pass() {
        let trace = ("traceparent".to_owned(), String::from_utf8_lossy(TRACE).into_owned());
        assert_eq!(passed(Dialect::ChatCompletions), std::slice::from_ref(&trace));
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            passed(Dialect::Messages),
            [own("anthropic-beta", "a,b,c"), own("anthropic-version", "2023-06-01"), trace]
        );
    }

    #[test]
    fn a_sentence_is_no_list_of_names() {
        for (value, fits) in [
            ("", true),
            ("context-1m-2025-08-07, fine-grained-tool-streaming-2025-05-14", true),
            ("You have reached your specified API usage limits.", false),
            ("a,your credit balance is too low", false),
            ("\u{e9}", false),
            (&"a".repeat(300), false),
        ] {
            let passed = PassedHeaders::of(Dialect::Messages, [("anthropic-beta", value.as_bytes())]);
            assert_eq!(passed.is_ok(), fits, "{value}");
            let ignored = PassedHeaders::of(Dialect::ChatCompletions, [("anthropic-beta", value.as_bytes())]);
            assert!(ignored.is_ok_and(|passed| passed.iter().count() == 0), "{value}");
        }
    }

    #[test]
    fn a_malformed_trace_does_not_pass() {
        for value in ["", "00", "00-zz-b7ad6b7169203331-01"] {
            let passed = PassedHeaders::of(Dialect::ChatCompletions, [("traceparent", value.as_bytes())]);
            assert_eq!(passed.expect("ignored").iter().count(), 0, "{value}");
        }
    }
}
