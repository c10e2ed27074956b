//! What the types of lists are called on pages.

use crate::domain::error_class::ErrorClass;
use crate::domain::fallback_type::FallbackType;
use crate::store::TypedFallbacks;

/// The title of a list.
pub(crate) fn title(kind: FallbackType) -> &'static str {
    match kind {
        FallbackType::General => "General",
        FallbackType::ContextWindow => "Context window",
        FallbackType::ContentPolicy => "Content policy",
    }
}

/// When a list is used.
pub(crate) fn purpose(kind: FallbackType, mode: TypedFallbacks) -> &'static str {
    match (kind, mode) {
        (FallbackType::General, TypedFallbacks::Cascade) => {
            "After every failure, behind the list of its type if there is one."
        }
        (FallbackType::General, TypedFallbacks::Strict) => {
            "After every failure that no list of a type answers."
        }
        (FallbackType::ContextWindow, TypedFallbacks::Cascade) => {
            "First when the prompt is too long; the general list follows."
        }
        (FallbackType::ContextWindow, TypedFallbacks::Strict) => {
            "When the prompt is too long, and then nobody else: typed lists are strict here."
        }
        (FallbackType::ContentPolicy, TypedFallbacks::Cascade) => {
            "First when the provider refuses the content; the general list follows."
        }
        (FallbackType::ContentPolicy, TypedFallbacks::Strict) => {
            "When the provider refuses the content, and then nobody else: typed lists are strict here."
        }
    }
}

/// The failure that a list is made for.
pub(crate) fn typical(kind: FallbackType) -> ErrorClass {
    match kind {
        FallbackType::General => ErrorClass::Unavailable,
        FallbackType::ContextWindow => ErrorClass::ContextWindowExceeded,
        FallbackType::ContentPolicy => ErrorClass::ContentPolicy,
    }
}

/// What follows when a list is deleted; `general`: whether a general list stays.
pub(crate) fn aftermath(kind: FallbackType, model: &str, general: bool) -> String {
    match (kind, general) {
        (FallbackType::General, _) => {
            format!(
                "From then on a request whose {model} fails gets that failure, unless a list of its type answers it."
            )
        }
        (FallbackType::ContextWindow, true) => {
            "From then on prompts that are too long go on with the general list.".to_owned()
        }
        (FallbackType::ContextWindow, false) => {
            format!("From then on prompts that are too long for {model} are refused.")
        }
        (FallbackType::ContentPolicy, true) => {
            "From then on refused content goes on with the general list.".to_owned()
        }
        (FallbackType::ContentPolicy, false) => {
            format!("From then on content that {model} refuses stays refused.")
        }
    }
}

/// The classes that may narrow a list, in the order in which they are shown: all but the one after which no other
/// model can take over.
pub(crate) fn triggers() -> impl Iterator<Item = ErrorClass> {
    ErrorClass::ALL.into_iter().filter(|class| *class != ErrorClass::StreamInterrupted)
}

/// Names as they are read aloud: `a, b and c`.
pub(crate) fn enumerate(names: &[String]) -> String {
    match names.split_last() {
        None => "nobody".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_aloud() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(enumerate(&[]), "nobody");
        assert_eq!(enumerate(&names[..1]), "a");
        assert_eq!(enumerate(&names), "a, b and c");
    }
}
