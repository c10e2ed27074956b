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

/// A set of scopes: one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Does the set hold the scope?
    #[must_use]
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & bit(scope) != 0
    }

    /// The scopes, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, scope| set | bit(scope)))
    }
}

fn bit(scope: Scope) -> u8 {
    match scope {
        Scope::Inference => 1,
        Scope::RouterRead => 2,
        Scope::RouterManage => 4,
        Scope::KeysManage => 8,
        Scope::Drill => 16,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_names_its_scope_and_a_set_holds_just_what_was_put_in() {
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
            let set: Scopes = [scope].into_iter().collect();
            assert_eq!(set.iter().collect::<Vec<_>>(), [scope]);
        }
        assert_eq!(Scope::parse("admin"), None);
    }
}
