//! The page that asks before a resource is deleted, revoked or removed: what will happen, what depends on the resource, and
//! one form. When something prevents it, the page says what, and has no form.

use askama::Template;

use crate::console::components::layout::Frame;

/// A link in the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Link {
    /// A link to a path, shown as this text.
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// A confirmation page. Its question is the title of the frame, and its form posts to the page's own path.
#[derive(Template)]
#[template(path = "confirmation.html")]
pub(crate) struct Confirmation {
    pub(crate) frame: Frame,
    /// The list of such resources.
    pub(crate) list: Link,
    /// The resource, to which the page leads back. None: it has no page, and the list is the way back.
    pub(crate) resource: Option<Link>,
    /// Path of the page and of its form.
    pub(crate) path: String,
    /// What will happen, or what prevents it, in paragraphs.
    pub(crate) effects: Vec<String>,
    /// What depends on the resource.
    pub(crate) dependents: Option<Dependents>,
    pub(crate) choice: Choice,
}

/// What depends on a resource, under a heading.
#[derive(Debug, Clone)]
pub(crate) struct Dependents {
    pub(crate) title: &'static str,
    /// A link to each, and a note about it, which may be empty.
    pub(crate) rows: Vec<(Link, String)>,
}

/// What the user can do on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Confirm with a button of this text, or keep the resource with a link of that text.
    Confirm(&'static str, &'static str),
    /// Go back, because something prevents it.
    Prevented,
    /// Go back, because it has happened already.
    Done,
}

impl Confirmation {
    fn back(&self) -> &Link {
        self.resource.as_ref().unwrap_or(&self.list)
    }

    /// Class of the notice, and its icon.
    fn look(&self) -> (&'static str, &'static str) {
        match self.choice {
            Choice::Confirm(..) => ("note bad", "warn"),
            Choice::Prevented => ("note warn", "warn"),
            Choice::Done => ("note", "info"),
        }
    }
}
