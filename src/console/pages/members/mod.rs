//! Members: who belongs to the organization, as what, and who is invited.

pub mod invite;
pub mod link;
pub mod list;
pub mod remove;
pub mod reset_link;
pub mod revoke;
pub mod role;

use crate::store::Given;

/// What became of what a member has given out, behind what was said of the member; empty where there was nothing.
fn given_words(given: Given) -> String {
    let Given { invitations, links, keys } = given;
    let count = |number: u64, one: &str, more: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        number => Some(format!("{number} {more}")),
    };
    let void: Vec<String> = [
        count(invitations, "invitation", "invitations"),
        count(links, "link for a new password", "links for new passwords"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut said = String::new();
    if !void.is_empty() {
        said += &format!(" What they gave out is void: {}.", void.join(" and "));
    }
    if let Some(keys) = count(keys, "API key", "API keys") {
        said += &format!(" {keys} that they made still work: revoke those that should go too.");
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_and_what_stays_is_said() {
        assert_eq!(given_words(Given::default()), "");
        let said = given_words(Given { invitations: 2, links: 1, keys: 3 });
        assert!(said.contains("void: 2 invitations and 1 link for a new password."), "{said}");
        assert!(said.contains("3 API keys that they made still work"), "{said}");
        assert!(!given_words(Given { keys: 1, ..Given::default() }).contains("void"));
    }
}
