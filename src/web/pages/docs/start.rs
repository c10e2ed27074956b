//! `GET /docs`: from nothing to a request that fails soft, and what the words mean. For anybody.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use crate::auth::visitor::{Visitor, may};
use crate::config::Settings;
use crate::error::{Error, Result, VisitFault};
use crate::web::address;
use crate::web::layout::{Frame, Lit};
use crate::web::response::page;
use crate::web::snippets::{KEY, Snippet, snippets};

#[derive(Template)]
#[template(path = "docs/start.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) snippets: Vec<Snippet>,
    pub(crate) glossary: &'static [(&'static str, &'static str)],
}

impl Page {
    pub(crate) fn of(frame: Frame, address: &str) -> Self {
        Self { frame, snippets: snippets(address, KEY, "smart", "Hello"), glossary: GLOSSARY }
    }
}

/// The page; around it is who is logged in, if anybody is.
///
/// # Errors
/// The database cannot be read.
pub async fn read(request: HttpRequest, settings: web::Data<Settings>) -> Result<HttpResponse> {
    const TITLE: &str = "Quick start";
    let frame = match Visitor::<may::Read>::of(&request).await {
        Ok(visitor) => Frame::of(&visitor, TITLE, Lit::None),
        Err(Error::Visit(VisitFault::LoggedOut { .. })) => Frame::public(TITLE),
        Err(error) => return Err(error),
    };
    page(&Page::of(frame, &address::of(&settings, &request)))
}

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
