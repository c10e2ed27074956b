//! Revisions as HTTP has them: the `ETag` of an answer, and the `If-Match` of a change.
//!
//! Two people who edit the same list would overwrite each other; whoever sends back the `ETag` that they read is
//! told (412) when somebody was faster.

use actix_web::http::header::{ETAG, HeaderMap, HeaderName, IF_MATCH};

use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::store::OrgStore;

/// Not the number of any revision: what never matches.
const NEVER: i64 = -1;

/// What a change demands of the revision in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// Nothing.
    Absent,
    /// `*`: that there is one.
    Any,
    /// `"N"`: that it is this one.
    Revision(i64),
}

/// The header that names a revision.
pub(super) fn etag(revision: i64) -> (HeaderName, String) {
    (ETAG, format!("\"{revision}\""))
}

impl IfMatch {
    /// Reads the header.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self> {
        let mut values = headers.get_all(IF_MATCH);
        let Some(value) = values.next() else { return Ok(Self::Absent) };
        let text = value.to_str().ok().filter(|_| values.next().is_none()).map(str::trim);
        let known = text.and_then(|text| {
            let strong = text.strip_prefix("W/").unwrap_or(text);
            let tag = strong.strip_prefix('"')?.strip_suffix('"')?;
            // A weak tag never matches, nor does one that we did not make: both are well-formed.
            let ours = |revision: &i64| strong == text && *revision > 0;
            (!tag.contains('"')).then(|| tag.parse().ok().filter(ours).unwrap_or(NEVER))
        });
        match (text, known) {
            (Some("*"), _) => Ok(Self::Any),
            (_, Some(revision)) => Ok(Self::Revision(revision)),
            (_, None) => Err(Error::refused(
                Some("if-match"),
                "invalid_value",
                "The header 'If-Match' must be one ETag as it was read, such as \"3\" with its quotes, or *",
            )),
        }
    }

    /// The revision that must be in force for the change of that model's list.
    pub(super) async fn expected(
        self,
        store: &OrgStore,
        model: &str,
        fallback_type: FallbackType,
    ) -> Result<Option<i64>> {
        match self {
            Self::Absent => Ok(None),
            Self::Revision(revision) => Ok(Some(revision)),
            Self::Any => {
                let row = store.fallback_find(model, fallback_type).await?;
                Ok(Some(row.map_or(NEVER, |row| row.revision)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn read(values: &[&'static str]) -> Result<IfMatch> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IF_MATCH, HeaderValue::from_static(value));
        }
        IfMatch::of(&headers)
    }

    #[test]
    fn one_strong_tag_or_a_star_is_understood_and_foreign_tags_never_match() {
        for (values, expected) in [
            (&[][..], IfMatch::Absent),
            (&["*"], IfMatch::Any),
            (&["\"3\""], IfMatch::Revision(3)),
            (&[" \"12\" "], IfMatch::Revision(12)),
            (&["W/\"3\""], IfMatch::Revision(NEVER)),
            (&["\"abc\""], IfMatch::Revision(NEVER)),
            (&["\"0\""], IfMatch::Revision(NEVER)),
        ] {
            assert_eq!(read(values).expect("it is well-formed"), expected, "{values:?}");
        }
        for values in [&["3"][..], &["\"3"], &[""], &["\"3\", \"4\""], &["\"3\"", "\"4\""], &["W/*"]] {
            assert!(matches!(read(values), Err(Error::Refused(_))), "{values:?}");
        }
    }
}
