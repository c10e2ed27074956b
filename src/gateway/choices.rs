//! What the choices of an answer or chunk say, read in one pass and without keeping any of it.
//!
//! Whatever is not understood counts as content: a caller may understand it. Imports [`measure`](super::measure).

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::measure::Measure;
use super::members::text;

/// What the choices of an answer or chunk say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Choices {
    /// There is at least one, or there is something in their place that we do not understand.
    pub any: bool,
    /// Something that a caller would show or act on; or something that we do not understand.
    pub content: bool,
    /// A `finish_reason`.
    pub finished: bool,
    /// The `finish_reason` is `content_filter`.
    pub filtered: bool,
    /// The `finish_reason` is `error`.
    pub broken: bool,
    /// How much of it there is, for estimates.
    pub size: Measure,
}

impl Choices {
    /// Something in the place of choices, or of one, that is none.
    fn foreign() -> Self {
        Self { any: true, content: true, ..Self::default() }
    }

    fn add(&mut self, other: Self) {
        self.any = true;
        self.content |= other.content;
        self.finished |= other.finished;
        self.filtered |= other.filtered;
        self.broken |= other.broken;
        self.size = self.size.then(other.size);
    }

    /// Content that is not blank.
    fn said(&mut self, value: &RawValue) {
        if !matches!(value.get(), "null" | "\"\"" | "[]" | "{}" | "false") {
            self.content = true;
            let size = Measure::of_value(value);
            self.size = self.size.then(size);
        }
    }

    fn ended(&mut self, reason: &str) {
        // Some vendors send an empty one with every chunk.
        if !reason.is_empty() {
            self.finished = true;
            self.filtered |= reason == "content_filter";
            self.broken |= reason == "error";
        }
    }
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(List)
    }
}

/// Visits what is no object or list: null is nothing, anything else is foreign.
macro_rules! scalars_are_foreign {
    ($value:ty, $nothing:expr, $foreign:expr) => {
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("any JSON")
        }

        fn visit_unit<E: Error>(self) -> Result<$value, E> {
            Ok($nothing)
        }

        fn visit_bool<E: Error>(self, _: bool) -> Result<$value, E> {
            Ok($foreign)
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<$value, E> {
            Ok($foreign)
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<$value, E> {
            Ok($foreign)
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<$value, E> {
            Ok($foreign)
        }
    };
}

fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

fn skip_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Choices;

    scalars_are_foreign!(Choices, Choices::default(), Choices::foreign());

    fn visit_str<E: Error>(self, _: &str) -> Result<Choices, E> {
        Ok(Choices::foreign())
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Choices, A::Error> {
        skip_object(object)?;
        Ok(Choices::foreign())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Choices, A::Error> {
        let mut seen = Choices::default();
        while let Some(One(choice)) = list.next_element()? {
            seen.add(choice);
        }
        Ok(seen)
    }
}

/// One choice.
struct One(Choices);

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ChoiceVisitor).map(One)
    }
}

struct ChoiceVisitor;

impl<'de> Visitor<'de> for ChoiceVisitor {
    type Value = Choices;

    scalars_are_foreign!(Choices, Choices::default(), Choices::foreign());

    fn visit_str<E: Error>(self, _: &str) -> Result<Choices, E> {
        Ok(Choices::foreign())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Choices, A::Error> {
        skip_list(list)?;
        Ok(Choices::foreign())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut choice: A) -> Result<Choices, A::Error> {
        let mut seen = Choices::default();
        while let Some(Key(name)) = choice.next_key()? {
            match &*name {
                "delta" | "message" => seen.add(choice.next_value::<Parts>()?.0),
                "text" => seen.said(choice.next_value()?),
                "finish_reason" => {
                    if let Reason(Some(reason)) = choice.next_value()? {
                        seen.ended(&reason);
                    }
                }
                _ => {
                    choice.next_value::<IgnoredAny>()?;
                }
            }
        }
        seen.size.pieces = u64::from(seen.content);
        Ok(seen)
    }
}

/// A `delta` or `message`.
struct Parts(Choices);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartsVisitor).map(Parts)
    }
}

struct PartsVisitor;

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Choices;

    scalars_are_foreign!(Choices, Choices::default(), Choices::foreign());

    fn visit_str<E: Error>(self, _: &str) -> Result<Choices, E> {
        Ok(Choices::foreign())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Choices, A::Error> {
        skip_list(list)?;
        Ok(Choices::foreign())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut parts: A) -> Result<Choices, A::Error> {
        let mut seen = Choices::default();
        while let Some(Key(name)) = parts.next_key()? {
            let value: &RawValue = parts.next_value()?;
            if name != "role" {
                seen.said(value);
            }
        }
        Ok(seen)
    }
}

/// The name of a member, borrowed where it holds no escapes.
pub(super) struct Key<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer).map(Key)
    }
}

/// A `finish_reason`; what is no string is none.
struct Reason<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Reason<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl<'de> Visitor<'de> for Word {
            type Value = Reason<'de>;

            scalars_are_foreign!(Reason<'de>, Reason(None), Reason(None));

            fn visit_borrowed_str<E: Error>(self, word: &'de str) -> Result<Reason<'de>, E> {
                Ok(Reason(Some(Cow::Borrowed(word))))
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Reason<'de>, E> {
                Ok(Reason(Some(Cow::Owned(word.to_owned()))))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Reason<'de>, A::Error> {
                skip_list(list)?;
                Ok(Reason(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Reason<'de>, A::Error> {
                skip_object(object)?;
                Ok(Reason(None))
            }
        }
        deserializer.deserialize_any(Word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_a_frame_real() {
        for (text, content, finished) in [
            (r#"null"#, false, false),
            (r#"[]"#, false, false),
            (r#"[{"delta":{"role":"assistant","content":""}}]"#, false, false),
            (r#"[{"delta":{"role":"assistant","content":null,"refusal":null}}]"#, false, false),
            (r#"[{"delta":null,"logprobs":null,"finish_reason":null}]"#, false, false),
            (r#"[{"delta":{"content":"x"}}]"#, true, false),
            (r#"[{"delta":{"tool_calls":[{"index":0}]}}]"#, true, false),
            (r#"[{"delta":{"reasoning_content":"x"}}]"#, true, false),
            (r#"[{"text":"x"}]"#, true, false),
            (r#"[{"delta":{},"finish_reason":"stop"}]"#, false, true),
            (r#"[{"delta":{"role":"assistant"},"finish_reason":""}]"#, false, false),
            (r#"[{"delta":{"content":"x"},"finish_reason":["stop"]}]"#, true, false),
            (r#""surprise""#, true, false),
            (r#"{"0":{"delta":{}}}"#, true, false),
            (r#"["surprise"]"#, true, false),
            (r#"[{"delta":["x"]}]"#, true, false),
            (r#"7"#, true, false),
        ] {
            let choices: Choices = serde_json::from_str(text).expect(text);
            assert_eq!((choices.content, choices.finished), (content, finished), "{text}");
        }
        let filtered: Choices =
            serde_json::from_str(r#"[{"delta":{},"finish_reason":"content_filter"}]"#).expect("choices");
        assert!(filtered.filtered && !filtered.content);
    }
}
