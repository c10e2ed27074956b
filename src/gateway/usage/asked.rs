//! What a request asks for that its provider bills apart, or at a price that the catalog does not know. It counts where the
//! answer does not say what was used.
//!
//! Only what reaches the provider counts for a cost, so it is read where the body for a candidate is written.

use std::borrow::Cow;

use memchr::memmem;

use crate::dialects::Dialect;
use crate::gateway::request::chat_request::{ChatRequest, each_in};
use crate::gateway::request::json_object::lossy;
use crate::gateway::request::tools::has_providers_tool;
use crate::gateway::usage::pricing::Tier;
use crate::gateway::usage::text_size::{in_lower_case, is_search, members, string};

/// A field and the text from its value on.
type Member<'a> = (Cow<'a, str>, &'a [u8]);

/// The plugins of OpenRouter that cost nothing.
const FREE_PLUGINS: [&str; 4] = ["auto-router", "context-compression", "moderation", "response-healing"];

/// What a request asks for, as far as its fields say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// The service tier of the request, whatever field names it: Anthropic's fast mode has a price of its own.
    pub(in crate::gateway) tier: Option<Tier>,
    /// Whether the answer is to be made in a certain region.
    pub(super) region: bool,
    /// Whether it asks for sources, which xAI bills each, whatever else an answer counts.
    pub(super) sources: bool,
    /// Whether it asks for a search or another tool of the provider, for which an answer need not show calls.
    pub(super) tools: bool,
    /// Whether it asks for a search that adds what it finds to the prompt.
    pub(super) searches: bool,
    /// Whether it names other models of the provider that may answer in place of the one that is called.
    pub(super) other_models: bool,
}

impl Asked {
    /// Reads the fields of a request, once.
    pub(in crate::gateway) fn of(request: &ChatRequest) -> Self {
        let mut asked = Self::default();
        request.each_field(|name, value| asked.read(request.dialect, name, value));
        asked
    }

    /// Adds what a field of a body asks for.
    pub fn add(&mut self, dialect: Dialect, name: &str, value: &[u8]) {
        each_in(name, value, &mut |name, value| self.read(dialect, name, value));
    }

    fn read(&mut self, dialect: Dialect, name: &str, value: &[u8]) {
        let name = in_lower_case(Cow::Borrowed(name));
        let searches = is_search(&name, value);
        self.searches |= searches;
        match (&*name, dialect) {
            ("service_tier" | "servicetier" | "speed", _) => {
                self.tier = Tier::dearer(self.tier, Tier::read(&lossy(value)));
            }
            ("inference_geo", _) => self.region |= Tier::of_region(&lossy(value)).is_some(),
            ("search_parameters", Dialect::ChatCompletions | Dialect::Responses) => self.sources |= searches,
            ("plugins", Dialect::ChatCompletions | Dialect::Responses) => {
                self.tools |= members(value).any(is_priced_plugin)
            }
            ("tools", Dialect::ChatCompletions | Dialect::Responses) => {
                self.tools |= has_providers_tool(value)
            }
            (_, Dialect::ChatCompletions | Dialect::Responses) => self.tools |= searches,
            ("fallbacks", Dialect::Messages) => self.other_models |= !is_list_of_names(value),
            // The content of a message has the calls of tools. Translations ask for nothing of the kind.
            (_, Dialect::Messages | Dialect::Gemini | Dialect::Converse) => {}
        }
    }
}

/// Whether a request asks for a cache that is kept for an hour.
pub(in crate::gateway) fn asks_for_an_hour(request: &ChatRequest) -> bool {
    let is_hour = |(name, value): Member<'_>| name == "ttl" && string(value).is_some_and(|time| time == "1h");
    memmem::find(&request.body, b"1h\"").is_some() && members(&request.body).any(is_hour)
}

fn is_priced_plugin((name, value): Member<'_>) -> bool {
    name == "id" && string(value).is_some_and(|id| !FREE_PLUGINS.contains(&&*id))
}

/// Whether a list can only be one of names in the catalog.
fn is_list_of_names(value: &[u8]) -> bool {
    value.starts_with(b"[") && !value.contains(&b'{')
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn request(dialect: Dialect, members: &str) -> ChatRequest {
        let body = format!(r#"{{"model":"m",{members}}}"#);
        ChatRequest::parse_as(dialect, Bytes::from(body)).expect(members)
    }

    fn of(dialect: Dialect, members: &str) -> Asked {
        Asked::of(&request(dialect, members))
    }

    #[test]
    fn searches_and_tools_of_the_vendor_are_asked_for() {
        for (members, tools) in [
            (r#""web_search_options":{}"#, true),
            (r#""Web_Search_Options":{}"#, true),
            (r#""web_search_options":null"#, false),
            (r#""enable_search":true"#, true),
            (r#""enable_search":false"#, false),
            (r#""extra_body":{"enable_search":true}"#, true),
            (r#""plugins":[{"id":"web"}]"#, true),
            (r#""plugins":[{"id":"response-healing"}]"#, false),
            (r#""plugins":[]"#, false),
            (r#""tools":[{"type":"web_search_preview"}]"#, true),
            (r#""tools":[{"google_search":{}}]"#, true),
            (r#""tools":[{"type":"function","function":{"name":"web_search"}}]"#, false),
            (r#""messages":[{"role":"user","content":"web_search_options"}]"#, false),
        ] {
            assert_eq!(of(Dialect::ChatCompletions, members).tools, tools, "{members}");
        }
        let sources = |members| of(Dialect::ChatCompletions, members).sources;
        assert!(sources(r#""search_parameters":{"mode":"on"}"#));
        assert!(!sources(r#""search_parameters":{"mode":"off"}"#));
        // A message shows the calls of such tools.
        assert!(
            !of(Dialect::Messages, r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#).tools
        );
    }

    #[test]
    fn another_price_is_asked_for_wherever_a_provider_finds_it() {
        for (members, special) in [
            (r#""service_tier":"priority""#, true),
            (r#""Service_Tier":"flex""#, true),
            (r#""extra_body":{"service_tier":"priority"}"#, true),
            (r#""extra_body":{"service_tier":"default"},"speed":"fast""#, true),
            (r#""extra_body":7"#, false),
            (r#""service_tier":"auto""#, false),
            (r#""service_tier":"Default""#, false),
            ("\"\u{17f}peed\":\"fast\"", true),
        ] {
            let asked = of(Dialect::ChatCompletions, members).tier;
            assert_eq!(asked == Some(Tier::Special), special, "{members}");
        }
        for (members, region) in [
            (r#""inference_geo":"us""#, true),
            (r#""extra_body":{"inference_geo":"us"}"#, true),
            (r#""inference_geo":"global""#, false),
            (r#""inference_geo":null"#, false),
        ] {
            assert_eq!(of(Dialect::Messages, members).region, region, "{members}");
        }
        for (members, hour) in [
            (
                r#""system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}]"#,
                true,
            ),
            (
                r#""system":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"5m"}}]"#,
                false,
            ),
            (r#""system":"\"ttl\":\"1h\"""#, false),
        ] {
            assert_eq!(asks_for_an_hour(&request(Dialect::Messages, members)), hour, "{members}");
        }
    }

    #[test]
    fn other_models_are_those_of_the_provider() {
        let others = |dialect, members| of(dialect, members).other_models;
        assert!(others(Dialect::Messages, r#""fallbacks":[{"model":"claude-b"}]"#));
        assert!(others(Dialect::Messages, r#""fallbacks":"default""#));
        assert!(!others(Dialect::Messages, r#""fallbacks":["b"]"#));
        assert!(!others(Dialect::ChatCompletions, r#""fallbacks":["b"]"#));
    }
}
