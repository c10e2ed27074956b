//! `/members/{id}/remove`: confirmation page and its POST.

use actix_web::{HttpResponse, web};

use crate::auth::console::console_user::{ConsoleUser, may};
use crate::console::components::confirmation::{Choice, Confirmation, Dependents, Link};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::flash;
use crate::console::http::forms::Form;
use crate::console::http::path;
use crate::console::http::responses::page;
use crate::domain::error::{Error, Result};
use crate::store::{MemberRow, OutstandingLinks, Store};

/// Renders the page.
///
/// # Errors
/// [`Error::Absent`].
pub async fn read(
    console_user: ConsoleUser<may::ManageMembers>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let organization = store.organization(&console_user.tenant);
    let found = organization.member_find(path::id("member", &id)?).await?;
    let member = found.ok_or_else(|| Error::absent("member", id.as_str()))?;
    let given = organization.given_by(member.user_id).await?;
    let frame = Frame::of(&console_user, &format!("Remove {}", member.email), NavigationItem::Members);
    page(&confirmation(frame, &member, &console_user.organization.name, given))
}

/// The page of a member who has created these links and keys.
pub(crate) fn confirmation(
    frame: Frame,
    member: &MemberRow,
    organization: &str,
    given: OutstandingLinks,
) -> Confirmation {
    let OutstandingLinks { invitations, links, keys } = given;
    let removed = format!(
        "{} is {} of {organization}. When removed, they are logged out of this organization at once and lose access to it. \
         Their account and the API keys that they created remain. Revoke the keys that should stop working.",
        member.email, member.role
    );
    let given = match invitations + links {
        0 => "They have created no open invitations or password reset links.".to_owned(),
        _ => format!(
            "Open invitations that they created: {invitations}. Password reset links that they created: {links}. All of \
             them stop working."
        ),
    };
    let no_keys = (keys == 0).then(|| "They have created no API keys that still work.".to_owned());
    let working = format!("that they created and that keep working: {keys}.");
    Confirmation {
        frame,
        list: Link::new("/members", "Members"),
        resource: None,
        path: format!("/members/{}/remove", member.user_id),
        effects: [Some(removed), Some(given), no_keys].into_iter().flatten().collect(),
        dependents: (keys > 0).then(|| Dependents {
            title: "What keeps working",
            rows: vec![(Link::new("/keys", "API keys"), working)],
        }),
        choice: Choice::Confirm("Remove member", "Keep member"),
    }
}

/// Removes the member, and ends their sessions, invitations and reset links.
///
/// # Errors
/// [`Error::Absent`]. [`Error::Conflict`]: no owner would be left.
pub async fn remove(
    form: Form<may::ManageMembers>,
    id: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let organization = store.organization(&form.console_user.tenant);
    let removed = organization.member_remove(path::id("member", &id)?).await?;
    let (member, given) = removed.ok_or_else(|| Error::absent("member", id.as_str()))?;
    let text = format!("{} was removed.{}", member.email, super::describe_given(given));
    flash::redirect(form.console_user.request(), "/members", &text)
}
