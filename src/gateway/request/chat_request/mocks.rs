//! LiteLLM's fields that make the requested model fail on purpose.

use crate::domain::error::{Error, Result};
use crate::domain::failure::class::ErrorClass;

/// The class with which each field makes the primary fail.
const MOCKS: [(&str, ErrorClass); 3] = [
    ("mock_testing_fallbacks", ErrorClass::Unavailable),
    ("mock_testing_context_fallbacks", ErrorClass::ContextWindowExceeded),
    ("mock_testing_content_policy_fallbacks", ErrorClass::ContentPolicy),
];

/// The class with which the primary is to fail. `flag` reads a field.
///
/// # Errors
/// Two fields contradict each other.
pub(super) fn drill(flag: impl Fn(&'static str) -> Result<bool>) -> Result<Option<ErrorClass>> {
    let mut found: Option<(&'static str, ErrorClass)> = None;
    for (field, class) in MOCKS {
        if !flag(field)? {
            continue;
        }
        if let Some((other, _)) = found {
            let message = format!(
                "'{field}' contradicts '{other}': the model can fail in one way only. Send one of them."
            );
            return Err(Error::refused(Some(field), "conflicting_fields", message));
        }
        found = Some((field, class));
    }
    Ok(found.map(|(_, class)| class))
}
