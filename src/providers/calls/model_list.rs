//! The names in a vendor's list of models.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The most model names that are kept from a list.
const MOST_NAMES: usize = 1_000;

/// The ids in a vendor's list of models: `{"data": [{"id": ...}]}`, `{"models": [{"name": "models/..."}]}` of Google, or a bare
/// array as some send. `None` if the body is not such a list.
pub fn model_names(body: &[u8]) -> Option<Vec<String>> {
    let names = |text| serde_json::from_str::<Names>(text).ok().map(|Names(names)| names);
    let whole: &RawValue = serde_json::from_slice(body).ok()?;
    names(whole.get()).or_else(|| {
        let wrapped: Wrapped<'_> = serde_json::from_str(whole.get()).ok()?;
        wrapped.data.and_then(|list| names(list.get())).or_else(|| named(wrapped.models?.get()))
    })
}

#[derive(serde::Deserialize)]
struct Wrapped<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    models: Option<&'a RawValue>,
}

/// The names in Google's list, without the path that each has before it.
fn named(list: &str) -> Option<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Model {
        name: String,
    }
    let models: Vec<Model> = serde_json::from_str(list).ok()?;
    let bare = |name: String| name.strip_prefix("models/").map_or_else(|| name.clone(), str::to_owned);
    Some(models.into_iter().take(MOST_NAMES).map(|model| bare(model.name)).collect())
}

/// The ids of the first [`MOST_NAMES`] entries; the rest are skipped.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Model {
            id: String,
        }
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Names;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of models")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(model) = list.next_element::<Model>()? {
                    if names.len() < MOST_NAMES {
                        names.push(model.id);
                    }
                }
                Ok(Names(names))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_models_is_read_in_both_of_its_shapes() {
        let names = |body: &str| model_names(body.as_bytes());
        assert_eq!(
            names(r#"{"object":"list","data":[{"id":"a"},{"id":"b","x":1}]}"#),
            Some(vec!["a".into(), "b".into()])
        );
        assert_eq!(names(r#"[{"id":"a"}]"#), Some(vec!["a".into()]));
        assert_eq!(names(r#"{"data":[]}"#), Some(Vec::new()));
        let google = r#"{"models":[{"name":"models/a","version":"1"},{"name":"b"}]}"#;
        assert_eq!(names(google), Some(vec!["a".to_owned(), "b".to_owned()]));
        for other in ["", "{}", "<html>", r#"{"data":[{"name":"a"}]}"#, "[7]"] {
            assert_eq!(names(other), None, "{other}");
        }
    }
}
