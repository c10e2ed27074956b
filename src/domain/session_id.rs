//! What a caller's session is called in the records: the same for the request that names it and for the list that
//! looks for it.

use entity::ids::OrganizationId;
use uuid::Uuid;

use crate::domain::error::{Error, Result};

/// The longest name of a session, in characters.
pub const MAX_SESSION: usize = 256;

/// A session, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The caller's own UUID, or one made of the organization and the caller's text.
    pub id: Uuid,
    /// The caller's text, where it was no UUID.
    pub reference: Option<String>,
}

/// A UUID is kept; anything else becomes one, of the organization and the text, and is kept beside it.
///
/// # Errors
/// The text is not 1 to 256 characters.
pub fn identify(organization_id: OrganizationId, text: &str) -> Result<Session> {
    check_session(text)?;
    if let Ok(id) = text.parse() {
        return Ok(Session { id, reference: None });
    }
    let id = Uuid::new_v5(&organization_id.0, text.as_bytes());
    // No database keeps a NUL character in a text.
    Ok(Session { id, reference: Some(text.replace('\0', "")) })
}

/// A session's name is 1 to 256 characters.
///
/// # Errors
/// It is not.
pub fn check_session(session: &str) -> Result<()> {
    if session.is_empty() || session.chars().count() > MAX_SESSION {
        return Err(Error::refused(
            Some("session_id"),
            "invalid_value",
            format!("'session_id' must be 1 to {MAX_SESSION} characters."),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_the_same_session_within_one_organization_only() {
        let (ours, theirs) = (OrganizationId(Uuid::from_u128(1)), OrganizationId(Uuid::from_u128(2)));
        let session = identify(ours, "checkout-7").expect("a session");
        assert_eq!(identify(ours, "checkout-7").expect("a session"), session);
        assert_ne!(identify(theirs, "checkout-7").expect("a session").id, session.id);
        assert_eq!(session.reference.as_deref(), Some("checkout-7"));

        let own = Uuid::from_u128(7);
        let kept = Session { id: own, reference: None };
        assert_eq!(identify(ours, &own.to_string()).expect("a session"), kept);
    }

    #[test]
    fn an_empty_or_endless_text_is_no_session() {
        for text in ["".to_owned(), "x".repeat(257)] {
            assert!(identify(OrganizationId(Uuid::nil()), &text).is_err());
        }
    }
}
