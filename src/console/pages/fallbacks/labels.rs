//! Labels of the list types.

use crate::domain::failure::class::ErrorClass;
use crate::domain::fallback_type::FallbackType;
use crate::store::TypedFallbacks;

/// Title of a list.
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
            "Used after every failure, following the list of its type if there is one."
        }
        (FallbackType::General, TypedFallbacks::Strict) => {
            "Used after every failure that no typed list handles."
        }
        (FallbackType::ContextWindow, TypedFallbacks::Cascade) => {
            "Used first when the prompt is too long. The general list follows."
        }
        (FallbackType::ContextWindow, TypedFallbacks::Strict) => {
            "Used when the prompt is too long. No other list follows, because typed lists are strict here."
        }
        (FallbackType::ContentPolicy, TypedFallbacks::Cascade) => {
            "Used first when the provider refuses the content. The general list follows."
        }
        (FallbackType::ContentPolicy, TypedFallbacks::Strict) => {
            "Used when the provider refuses the content. No other list follows, because typed lists are strict here."
        }
    }
}

/// The failure that a list is meant for.
pub(crate) fn typical(kind: FallbackType) -> ErrorClass {
    match kind {
        FallbackType::General => ErrorClass::Unavailable,
        FallbackType::ContextWindow => ErrorClass::ContextWindowExceeded,
        FallbackType::ContentPolicy => ErrorClass::ContentPolicy,
    }
}

/// The effect of deleting a list; `general` says whether a general list remains.
pub(crate) fn aftermath(kind: FallbackType, model: &str, general: bool) -> String {
    match (kind, general) {
        (FallbackType::General, _) => {
            format!(
                "From then on, a request whose {model} fails gets that failure, unless a typed list handles it."
            )
        }
        (FallbackType::ContextWindow, true) => {
            "From then on, prompts that are too long use the general list.".to_owned()
        }
        (FallbackType::ContextWindow, false) => {
            format!("From then on, prompts that are too long for {model} are refused.")
        }
        (FallbackType::ContentPolicy, true) => {
            "From then on, refused content uses the general list.".to_owned()
        }
        (FallbackType::ContentPolicy, false) => {
            format!("From then on, content that {model} refuses stays refused.")
        }
    }
}

/// The classes that can narrow a list, in display order: all except the one that no other model can recover from.
pub(crate) fn triggers() -> impl Iterator<Item = ErrorClass> {
    ErrorClass::ALL.into_iter().filter(|class| *class != ErrorClass::StreamInterrupted)
}

/// Joins names: `a, b and c`.
pub(crate) fn enumerate(names: &[String]) -> String {
    match names.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_joined_for_reading() {
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(enumerate(&[]), "none");
        assert_eq!(enumerate(&names[..1]), "a");
        assert_eq!(enumerate(&names), "a, b and c");
    }
}
