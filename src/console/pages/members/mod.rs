//! `/members`: members, roles and invitations.

pub mod invitations;
pub mod link;
pub mod list;
pub mod remove;
pub mod reset_link;
pub mod role;

use crate::console::components::format::counted;
use crate::store::OutstandingLinks;

/// What happened to invitations, links and keys that a member created, to append to a message; empty if there were
/// none.
fn describe_given(given: OutstandingLinks) -> String {
    let OutstandingLinks { invitations, links, keys } = given;
    let count = |number: u64, one: &str, many: &str| (number > 0).then(|| counted(number, one, many));
    let void: Vec<String> = [
        count(invitations, "invitation", "invitations"),
        count(links, "password reset link", "password reset links"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let mut message = String::new();
    if !void.is_empty() {
        message += &format!(" Canceled: {}.", void.join(" and "));
    }
    if let Some(keys) = count(keys, "API key", "API keys") {
        message += &format!(" {keys} that they created still work. Revoke those that should stop working.");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_names_what_is_canceled_and_what_remains() {
        assert_eq!(describe_given(OutstandingLinks::default()), "");
        let message = describe_given(OutstandingLinks { invitations: 2, links: 1, keys: 3 });
        assert!(message.contains("Canceled: 2 invitations and 1 password reset link."), "{message}");
        assert!(message.contains("3 API keys that they created still work"), "{message}");
        assert!(
            !describe_given(OutstandingLinks { keys: 1, ..OutstandingLinks::default() }).contains("Canceled")
        );
    }
}
