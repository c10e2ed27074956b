//! `GET /docs`: from nothing to a request that fails soft, and what the words mean. For anybody.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::auth::console::console_user::{Visitor, may};
use crate::config::Settings;
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::snippets::{KEY, Snippet, snippets};
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
    /// Who can change what the page speaks of, where the visitor's role cannot.
    pub(crate) ask: Vec<String>,
    pub(crate) snippets: Vec<Snippet>,
    pub(crate) glossary: &'static [(&'static str, &'static str)],
}

impl Page {
    /// Whether what changes something is a link: for strangers too, whom it leads to the log-in.
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
        Self {
            frame,
            ask: Vec::new(),
            snippets: snippets(address, KEY, "smart", "Hello"),
            glossary: GLOSSARY,
        }
    }
}

/// The page; around it is who is logged in, if anybody is.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    request: HttpRequest,
    store: web::Data<Store>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    const TITLE: &str = "Quick start";
    let address = base_url::of(&settings, &request);
    let visitor = match Visitor::<may::Read>::of(&request).await {
        Ok(visitor) => visitor,
        Err(Error::Visit(VisitFault::LoggedOut { .. })) => {
            return page(&Page::of(Frame::public(TITLE), &address));
        }
        Err(error) => return Err(error),
    };
    let shown = Page::of(Frame::of(&visitor, TITLE, Lit::None), &address);
    let able = shown.may_configure() && shown.may_manage_keys();
    let ask = if able { Vec::new() } else { able_members(&store.organization(&visitor.tenant)).await? };
    page(&Page { ask, ..shown })
}

/// The addresses of those whose role can change providers, models and keys.
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

/// Members that are looked through.
const MEMBERS: u64 = 200;
/// The most of them that are named.
const ASKED: usize = 5;

const GLOSSARY: &[(&str, &str)] = &[
    ("Provider", "Where models are served: an address and a credential. A vendor, or a server of your own."),
    ("Model", "A name that apps ask for, and the provider that serves it."),
    (
        "Fallback",
        "A model that is asked when another one did not answer. Each model has up to three lists of them: general, for prompts that are too long, and for content that was refused.",
    ),
    ("Chain", "A model and its fallbacks, in the order in which they are asked for one request."),
    ("Attempt", "One call of one model. It answers, or it fails with a reason."),
    (
        "Passed over",
        "A model of the chain that was not called at all: it is switched off or cooling down, the key may not use it, or it cannot do what was asked.",
    ),
    (
        "Fallback event",
        "The record of an attempt that failed, or of a model that was passed over, and of who came next.",
    ),
    (
        "Cooldown",
        "A model that keeps failing is left alone for a while. Then one request finds out whether it works again.",
    ),
    ("Drill", "A failure made on purpose, to prove a fallback before it is needed."),
    ("Saved by fallback", "A request that another model answered than the one it asked for."),
    ("API key", "What an app calls with. Its scopes say what it may do."),
];
