//! `GET /docs`: the quick start and glossary. It is public.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::guides::{SOURCES, Source};
use crate::auth::access::Anyone;
use crate::auth::console::console_user::{ConsoleUser, may};
use crate::config::Settings;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::snippets::{Snippet, quick_start};
use crate::console::http::base_url;
use crate::console::http::responses::page;
use crate::domain::error::{Error, Result, VisitFault};
use crate::domain::permission::{Permission, Role};
use crate::store::pagination::PageRequest;
use crate::store::{OrgStore, Store};

#[derive(Template)]
#[template(path = "docs/start.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    /// Email addresses of people to ask, if the person's role cannot change the configuration.
    pub(crate) ask: Vec<String>,
    pub(crate) snippets: Vec<Snippet>,
    pub(crate) guides: &'static [Source],
    pub(crate) glossary: &'static [(&'static str, &'static str)],
}

impl Page {
    /// Whether links to configuration pages are shown. Visitors without a session see them too; they lead to the login
    /// page.
    pub(crate) fn may(&self, permission: Permission) -> bool {
        self.frame.person.as_ref().is_none_or(|person| person.may(permission))
    }

    pub(crate) fn may_configure(&self) -> bool {
        self.may(Permission::Configure)
    }

    pub(crate) fn may_manage_keys(&self) -> bool {
        self.may(Permission::ManageKeys)
    }

    pub(crate) fn of(frame: Frame, address: &str) -> Self {
        Self { frame, ask: Vec::new(), snippets: quick_start(address), guides: &SOURCES, glossary: GLOSSARY }
    }
}

/// Renders the page, with the signed-in person if there is one.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    _: Anyone,
    request: HttpRequest,
    store: web::Data<Store>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    const TITLE: &str = "Quick start";
    let address = base_url::of(&settings, &request);
    let console_user = match ConsoleUser::<may::Read>::of(&request).await {
        Ok(console_user) => console_user,
        Err(Error::Visit(VisitFault::LoggedOut { .. })) => {
            return page(&Page::of(Frame::public(TITLE), &address));
        }
        Err(error) => return Err(error),
    };
    let shown = Page::of(Frame::of(&console_user, TITLE, NavigationItem::None), &address);
    let able = shown.may_configure() && shown.may_manage_keys();
    let ask = if able { Vec::new() } else { able_members(&store.organization(&console_user.tenant)).await? };
    page(&Page { ask, ..shown })
}

/// Email addresses of members who can change providers, models and keys.
async fn able_members(data: &OrgStore) -> Result<Vec<String>> {
    let members = data.member_list(&PageRequest { limit: MEMBERS, cursor: None }).await?.items;
    let able = |role: &str| {
        let may = |permission| Role::parse(role).is_some_and(|role| role.may(permission));
        may(Permission::Configure) && may(Permission::ManageKeys)
    };
    let mut able: Vec<String> =
        members.into_iter().filter(|member| able(&member.role)).map(|member| member.email).collect();
    able.sort_unstable();
    able.truncate(ASKED);
    Ok(able)
}

/// Maximum number of members examined.
const MEMBERS: u64 = 200;
/// Maximum number of members named.
const ASKED: usize = 5;

const GLOSSARY: &[(&str, &str)] = &[
    ("Provider", "Where models run: a base URL and a credential. A vendor, or your own server."),
    ("Model", "A name that apps request, and the provider that serves it."),
    (
        "Fallback",
        "A model that is called when another one did not answer. Each model has up to three lists of fallbacks: general, for prompts that are too long, and for content that was refused.",
    ),
    ("Chain", "A model and its fallbacks, in the order in which they are called for one request."),
    ("Attempt", "One call of one model. It answers, or it fails with a reason."),
    (
        "Skipped",
        "A model of the chain that was not called: it is disabled or cooling down, the key may not use it, or it does not support the request.",
    ),
    (
        "Fallback event",
        "The record of an attempt that failed, or of a model that was skipped, and of the model that came next.",
    ),
    (
        "Cooldown",
        "A model that keeps failing is not called for a while. Then one request tests whether it works again.",
    ),
    ("Drill", "A failure made on purpose, to test a fallback before it is needed."),
    ("Saved by fallback", "A request that was answered by a fallback instead of the requested model."),
    ("API key", "What an app authenticates with. Its scopes define what it may do."),
];
