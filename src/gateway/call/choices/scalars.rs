//! Fields of a choice, read leniently: any JSON is accepted in their place.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Visitor methods for scalars, which all give `$nothing`.
macro_rules! scalars_are {
    ($value:ty, $nothing:expr) => {
        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("any JSON")
        }

        fn visit_unit<E: Error>(self) -> Result<$value, E> {
            Ok($nothing)
        }

        fn visit_bool<E: Error>(self, _: bool) -> Result<$value, E> {
            Ok($nothing)
        }

        fn visit_i64<E: Error>(self, _: i64) -> Result<$value, E> {
            Ok($nothing)
        }

        fn visit_u64<E: Error>(self, _: u64) -> Result<$value, E> {
            Ok($nothing)
        }

        fn visit_f64<E: Error>(self, _: f64) -> Result<$value, E> {
            Ok($nothing)
        }
    };
}

pub(super) use scalars_are;

/// Skips a list.
///
/// # Errors
/// The JSON is malformed.
pub(super) fn skip_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// Skips an object.
///
/// # Errors
/// The JSON is malformed.
pub(super) fn skip_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<(), A::Error> {
    while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

/// An `index`; `None` unless it is a small number.
pub(super) struct Index(pub(super) Option<usize>);

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl<'de> Visitor<'de> for Number {
            type Value = Index;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("any JSON")
            }

            fn visit_u64<E: Error>(self, index: u64) -> Result<Index, E> {
                Ok(Index(usize::try_from(index).ok()))
            }

            fn visit_unit<E: Error>(self) -> Result<Index, E> {
                Ok(Index(None))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Index, E> {
                Ok(Index(None))
            }

            fn visit_i64<E: Error>(self, _: i64) -> Result<Index, E> {
                Ok(Index(None))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<Index, E> {
                Ok(Index(None))
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<Index, E> {
                Ok(Index(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Index, A::Error> {
                skip_list(list)?;
                Ok(Index(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Index, A::Error> {
                skip_object(object)?;
                Ok(Index(None))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// A `finish_reason`; `None` unless it is a string.
pub(super) struct Reason<'a>(pub(super) Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Reason<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;
        impl<'de> Visitor<'de> for Word {
            type Value = Reason<'de>;

            scalars_are!(Reason<'de>, Reason(None));

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
