//! Scopes of API keys, and roles of console users with their permissions.

use std::fmt;

/// A scope of an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Send chat completions and list models.
    Inference,
    /// Read fallbacks, events, requests and the catalog.
    RouterRead,
    /// Change fallbacks, models and providers.
    RouterManage,
    /// Create, change and revoke API keys.
    KeysManage,
    /// Manage budgets, and the limits of the organization.
    BudgetsManage,
    /// Make models fail on purpose.
    Drill,
}

impl Scope {
    /// Every scope, in display order.
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

    /// What the scope allows, as the label of a checkbox.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Inference => "Chat completions and the list of models",
            Self::RouterRead => "Read fallbacks, events, requests, models and providers",
            Self::RouterManage => "Change fallbacks, models and providers",
            Self::KeysManage => "Manage keys, within its own rights and limits",
            Self::BudgetsManage => "Set budgets, and limits of the organization",
            Self::Drill => "Make models fail on purpose",
        }
    }

    /// The scope of a word; `None` if the word is unknown.
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

/// A permission of a console user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// See everything except the audit log.
    Read,
    /// Send requests from the browser, which cost money.
    Send,
    /// Change fallbacks, models and providers.
    Configure,
    /// Create, change and revoke API keys.
    ManageKeys,
    /// Change the settings of the organization.
    ManageSettings,
    /// Read the audit log.
    ReadAudit,
    /// Manage invitations, roles, removals and password-reset links.
    ManageMembers,
}

impl Permission {
    /// What the permission allows, for the message to a user who lacks it.
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

/// The role of a user in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// An owner has every permission.
    Owner,
    /// Has every permission except managing members.
    Admin,
    /// A member can see everything except the audit log.
    Member,
}

/// The permissions of each role.
const ROLES: [(Role, &[Permission]); 3] = {
    use Permission::{Configure, ManageKeys, ManageMembers, ManageSettings, Read, ReadAudit, Send};
    [
        (Role::Owner, &[Read, Send, Configure, ManageKeys, ManageSettings, ReadAudit, ManageMembers]),
        (Role::Admin, &[Read, Send, Configure, ManageKeys, ManageSettings, ReadAudit]),
        (Role::Member, &[Read]),
    ]
};

impl Role {
    /// Every role, the one with the most permissions first.
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

    /// The role of a word; `None` if the word is unknown.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// What the role allows, to follow the name of the role.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Owner => "everything, members included",
            Self::Admin => "everything but managing members",
            Self::Member => "reading all but the audit",
        }
    }

    /// Whether the role has the permission.
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
