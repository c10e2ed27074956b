//! What a key may do (the scopes) and what a person may do (the roles), each in one table.

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
    /// Budgets: the organization's and its keys'.
    BudgetsManage,
    /// Making a model fail on purpose.
    Drill,
}

impl Scope {
    /// Every scope, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Inference,
        Self::RouterRead,
        Self::RouterManage,
        Self::KeysManage,
        Self::BudgetsManage,
        Self::Drill,
    ];

    /// The word in the database, in JSON and in messages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::RouterRead => "router:read",
            Self::RouterManage => "router:manage",
            Self::KeysManage => "keys:manage",
            Self::BudgetsManage => "budgets:manage",
            Self::Drill => "drill",
        }
    }

    /// What it allows, as a line beside a box to tick.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Inference => "Chat completions and the list of models",
            Self::RouterRead => "Read fallbacks, events, requests, models and providers",
            Self::RouterManage => "Change fallbacks, models and providers",
            Self::KeysManage => "Manage keys, within its own rights and limits",
            Self::BudgetsManage => "Set budgets of the organization and of keys",
            Self::Drill => "Make models fail on purpose",
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

/// What somebody may do in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// Seeing everything but the audit.
    Read,
    /// Sending requests from the browser: they cost money.
    Send,
    /// Changing fallbacks, models and providers.
    Configure,
    /// API keys.
    ManageKeys,
    /// The organization's limits and modes.
    ManageSettings,
    /// Who changed what.
    ReadAudit,
    /// Invitations, roles, removals, reset links.
    ManageMembers,
}

impl Permission {
    /// What it allows, as it is said to whom it was not given.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Read => "seeing this page",
            Self::Send => "sending requests from the browser",
            Self::Configure => "changing fallbacks, models and providers",
            Self::ManageKeys => "managing API keys",
            Self::ManageSettings => "changing the settings",
            Self::ReadAudit => "reading the audit",
            Self::ManageMembers => "managing members",
        }
    }
}

/// What a person is in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Everything.
    Owner,
    /// Everything but people.
    Admin,
    /// Looking.
    Member,
}

/// Which role may do what. The only place that says so.
const ROLES: [(Role, &[Permission]); 3] = {
    use Permission::{Configure, ManageKeys, ManageMembers, ManageSettings, Read, ReadAudit, Send};
    [
        (Role::Owner, &[Read, Send, Configure, ManageKeys, ManageSettings, ReadAudit, ManageMembers]),
        (Role::Admin, &[Read, Send, Configure, ManageKeys, ManageSettings, ReadAudit]),
        (Role::Member, &[Read]),
    ]
};

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Admin, Self::Member];

    /// The word in the database and in pages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// The role of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// What it may do, in one sentence.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Owner => "may do everything, members included",
            Self::Admin => "may do everything but manage members",
            Self::Member => "may look at everything but the audit",
        }
    }

    /// Does the role allow it?
    #[must_use]
    pub fn may(self, permission: Permission) -> bool {
        ROLES.iter().any(|(role, allowed)| *role == self && allowed.contains(&permission))
    }
}

impl fmt::Display for Role {
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
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Owner"), None);
    }

    #[test]
    fn only_an_owner_manages_members_and_a_member_only_reads() {
        for role in Role::ALL {
            assert!(role.may(Permission::Read));
            assert_eq!(role.may(Permission::ManageMembers), role == Role::Owner);
            assert_eq!(role.may(Permission::Configure), role != Role::Member);
            // The store ends what a member has given out by the same table.
            let gives = crate::store::MANAGES_MEMBERS.contains(&role.as_str());
            assert_eq!(role.may(Permission::ManageMembers), gives);
        }
    }
}
