//! `ETag` and `If-Match`: a change with `If-Match` applies only to the revision that its caller has read, and is
//! otherwise refused with 412, so that two people who edit a list do not overwrite each other's changes.

use actix_web::http::header::{ETag, EntityTag, HeaderMap, IF_MATCH};

use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::store::OrgStore;

/// The number of no revision, so it never matches.
const NEVER: i64 = -1;

/// The revision that a change expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfMatch {
    /// The header is absent: any revision, or none.
    Absent,
    /// `*`: any revision, but there must be one.
    Any,
    /// `"N"`: the revision with this number.
    Revision(i64),
}

/// The response header with a revision's number.
pub(super) fn etag(revision: i64) -> ETag {
    ETag(tag(revision))
}

fn tag(revision: i64) -> EntityTag {
    EntityTag::new_strong(revision.to_string())
}

impl IfMatch {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Error::Refused`] when the header is there twice, or is neither one entity tag nor `*`.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self> {
        let mut values = headers.get_all(IF_MATCH);
        let Some(value) = values.next() else { return Ok(Self::Absent) };
        let text = value.to_str().ok().filter(|_| values.next().is_none()).map(str::trim);
        if text == Some("*") {
            return Ok(Self::Any);
        }
        let sent: EntityTag = text.and_then(|text| text.parse().ok()).ok_or_else(|| {
            Error::refused(
                Some("if-match"),
                "invalid_value",
                "The header 'If-Match' must be one ETag as it was read, such as \"3\" with its quotes, or *",
            )
        })?;
        // A weak tag never matches, and neither does one that the gateway did not issue.
        let revision: Option<i64> = sent.tag().parse().ok();
        let revision = revision.filter(|revision| *revision > 0 && tag(*revision).strong_eq(&sent));
        Ok(Self::Revision(revision.unwrap_or(NEVER)))
    }

    /// The revision of the model's list that must be in force; none when the change does not depend on it.
    ///
    /// # Errors
    /// The list in force cannot be read.
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
            (&["\"03\""], IfMatch::Revision(NEVER)),
        ] {
            assert_eq!(read(values).expect("it is well-formed"), expected, "{values:?}");
        }
        for values in [&["3"][..], &["\"3"], &[""], &["\"3\", \"4\""], &["\"3\"", "\"4\""], &["W/*"]] {
            assert!(matches!(read(values), Err(Error::Refused(_))), "{values:?}");
        }
    }
}
