//! Ids of caller sessions. Requests and filters derive the same id from the same text.

use entity::ids::OrganizationId;
use uuid::Uuid;

use crate::domain::error::{Error, Result};

/// The longest session id that a caller may send, in characters.
pub const MAX_SESSION: usize = 256;

/// A caller's session as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The UUID that the caller sent, or a UUID derived from the organization and the caller's text.
    pub id: Uuid,
    /// The caller's text; `None` if it was a UUID.
    pub reference: Option<String>,
}

/// Converts a caller's text to a session. A UUID is used as it is; from any other text, a UUID is derived.
///
/// # Errors
/// The text is not 1 to 256 characters long.
pub fn identify(organization_id: OrganizationId, text: &str) -> Result<Session> {
    check_session(text)?;
    if let Ok(id) = text.parse() {
        return Ok(Session { id, reference: None });
    }
    let id = Uuid::new_v5(&organization_id.0, text.as_bytes());
    // PostgreSQL cannot store a NUL character.
    Ok(Session { id, reference: Some(text.replace('\0', "")) })
}

/// Checks that a session id is 1 to 256 characters long.
///
/// # Errors
/// The text is empty or too long.
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
