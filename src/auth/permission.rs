//! What a key may do: the scopes, in one table.

use std::fmt;

/// A permission of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Chat completions and the list of models.
    Inference,
    /// Reading fallbacks, events, requests and the catalogue.
    RouterRead,
    /// Changing fallbacks, models and providers.
    RouterManage,
    /// API keys.
    KeysManage,
    /// Making a model fail on purpose.
    Drill,
}

impl Scope {
    /// Every scope, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Inference, Self::RouterRead, Self::RouterManage, Self::KeysManage, Self::Drill];

    /// The word in the database, in JSON and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::RouterRead => "router:read",
            Self::RouterManage => "router:manage",
            Self::KeysManage => "keys:manage",
            Self::Drill => "drill",
        }
    }

    /// The scope of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_names_its_scope() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
        assert_eq!(Scope::parse("admin"), None);
    }
}
