//! The only reader of posted forms: checks origin and sender first, then reads the body, then checks its token.
//!
//! A handler that takes [`Form`] or [`PublicForm`] runs only after these checks.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use entity::ids::OrganizationId;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use secrecy::SecretString;
use url::form_urlencoded;

use super::csrf;
use crate::auth::access::{Access, Admits};
use crate::auth::console::console_user::{ConsoleUser, Requires};
use crate::auth::part::part;
use crate::console::http::anonymous_visitor::{AnonymousVisitor, parts};
use crate::domain::error::{Error, Result, Violation, VisitFault};
use crate::http::body_reader::BodyReader;

/// A form from a signed-in person with permission `P`.
#[derive(Debug)]
pub struct Form<P> {
    /// The person who sent it.
    pub console_user: ConsoleUser<P>,
    /// The fields of the form.
    pub fields: Fields,
}

/// A form that anyone may send.
#[derive(Debug)]
pub struct PublicForm {
    /// The browser that sent it.
    pub anonymous: AnonymousVisitor,
    /// The fields of the form.
    pub fields: Fields,
}

impl<P: Requires> Admits for Form<P> {
    const ACCESS: Access = Access::ConsoleUser(P::PERMISSION);
}

impl Admits for PublicForm {
    const ACCESS: Access = Access::Public;
}

impl<P: Requires> FromRequest for Form<P> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), web::Payload::from_request(request, payload));
        async move {
            let (settings, store) = parts(&request)?;
            csrf::check_origin(settings, &request)?;
            let console_user = ConsoleUser::<P>::of(&request).await?;
            let fields = read(&request, Some(console_user.organization.id), payload.await).await?;
            let expected = csrf::token_of_session(store.vault(), console_user.session_id);
            csrf::check_token(&expected, fields.text(csrf::FIELD))?;
            Ok(Self { console_user, fields })
        }
        .boxed_local()
    }
}

impl FromRequest for PublicForm {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), web::Payload::from_request(request, payload));
        async move {
            let (settings, _) = parts(&request)?;
            csrf::check_origin(settings, &request)?;
            // A browser without a cookie gets a new identity with a token that it cannot know.
            let anonymous = AnonymousVisitor::of(&request)?;
            let fields = read(&request, None, payload.await).await?;
            csrf::check_token(&anonymous.form_token, fields.text(csrf::FIELD))?;
            Ok(Self { anonymous, fields })
        }
        .boxed_local()
    }
}

/// The only accepted media type.
const FORM: &str = "application/x-www-form-urlencoded";

async fn read(
    request: &HttpRequest,
    organization: Option<OrganizationId>,
    payload: std::result::Result<web::Payload, actix_web::Error>,
) -> Result<Fields> {
    let reader = part::<BodyReader>(request)?;
    let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(FORM) {
        return Err(Error::Visit(VisitFault::NoForm));
    }
    let payload = payload.map_err(|_| Error::BodyUnreadable)?;
    let body = match organization {
        Some(organization) => reader.read_management(organization, request, payload).await?,
        None => reader.read_stranger(request, payload).await?,
    };
    Fields::parse(&body.bytes)
}

/// Whether U+FFFD was sent literally; decoding also produces it for invalid UTF-8.
fn sends_replacement(body: &[u8]) -> bool {
    let encoded = |part: &[u8]| part.eq_ignore_ascii_case(b"%ef%bf%bd");
    body.windows(9).any(encoded) || body.windows(3).any(|part| part == "\u{fffd}".as_bytes())
}

/// The fields of a form, in document order.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Parses a body. Values are accepted or refused, never modified.
    fn parse(body: &[u8]) -> Result<Self> {
        let mut fields = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            // Databases cannot store NUL in text, and invalid UTF-8 decodes to U+FFFD.
            let holds = |letter: char| name.contains(letter) || value.contains(letter);
            let damage = if holds('\0') {
                Some("a NUL character")
            } else if holds('\u{fffd}') && !sends_replacement(body) {
                Some("a character that is not valid UTF-8")
            } else {
                None
            };
            if let Some(what) = damage {
                let message = format!(
                    "The field '{}' holds {what}. Remove it and send the form again.",
                    name.escape_debug()
                );
                return Err(Error::Invalid(vec![Violation::body(&name, "value_error", message)]));
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(fields))
    }

    /// The fields with these names and values.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The first value of a field; empty if there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    /// All values of a field.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Whether a checkbox is checked or a button was pressed.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own == name)
    }

    /// A value that must not be rendered again.
    #[must_use]
    pub fn secret(&self, name: &str) -> SecretString {
        self.text(name).into()
    }
}

/// Validation problems by field, in the order of the form. The page is rendered again with status 422 and the submitted
/// values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<(&'static str, String)>);

impl Problems {
    /// Adds a problem: cause and remedy. Only the first problem of a field is kept.
    pub fn add(&mut self, field: &'static str, message: impl Into<String>) {
        if self.get(field).is_none() {
            self.0.push((field, sentence(&message.into())));
        }
    }

    /// Problems with a single entry.
    #[must_use]
    pub fn of(field: &'static str, message: impl Into<String>) -> Self {
        let mut problems = Self::default();
        problems.add(field, message);
        problems
    }

    /// Converts a refusal of the core into problems: violations go to their field with the page's own message if it has
    /// one; conflicts and violations of unknown fields go to `otherwise`.
    ///
    /// # Errors
    /// Every other error, unchanged.
    pub fn of_refusal(
        error: Error,
        otherwise: &'static str,
        fields: &[(&'static str, &str)],
    ) -> Result<Self> {
        let mut problems = Self::default();
        match error {
            Error::Conflict { message } => problems.add(otherwise, message),
            Error::Invalid(violations) => {
                for violation in violations {
                    let known =
                        fields.iter().find(|(field, _)| violation.location.contains(&(*field).into()));
                    match known {
                        Some((field, "")) => problems.add(field, violation.message),
                        Some((field, words)) => problems.add(field, *words),
                        None => problems.add(otherwise, violation.message),
                    }
                }
            }
            other => return Err(other),
        }
        Ok(problems)
    }

    /// The value, or `None` with the problem recorded.
    pub fn check<T>(&mut self, field: &'static str, value: std::result::Result<T, String>) -> Option<T> {
        value.map_err(|message| self.add(field, message)).ok()
    }

    /// Whether there are no problems.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problem of a field.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| *own == field).map(|(_, message)| message.as_str())
    }

    /// Sorts the problems by the given field order.
    #[must_use]
    pub fn in_order(mut self, fields: &[&str]) -> Self {
        self.0.sort_by_key(|(field, _)| fields.iter().position(|own| own == field).unwrap_or(fields.len()));
        self
    }

    /// All problems with their fields, for the summary.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(field, message)| (*field, message.as_str()))
    }
}

/// Adds a capital letter at the start and a period at the end.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_fields_keep_their_order() {
        let fields = Fields::parse(b"a=1&b=x+y&a=%C3%A42&c").expect("fields");
        assert_eq!(fields.list("a"), ["1", "ä2"]);
        assert_eq!((fields.text("a"), fields.text("b"), fields.text("z")), ("1", "x y", ""));
        assert!(fields.flag("c") && !fields.flag("z"));
        assert_eq!(Fields::parse(b"a=%EF%BF%BD").expect("a field").text("a"), "\u{fffd}");
    }

    #[test]
    fn invalid_characters_are_refused_and_not_removed() {
        for (body, named) in [
            (&b"a=1&d=%00e"[..], "'d' holds a NUL"),
            (b"a%00=1", "holds a NUL"),
            (b"a=x\0", "'a' holds a NUL"),
            (b"a=%FF", "'a' holds a character that is not valid UTF-8"),
        ] {
            let Err(Error::Invalid(violations)) = Fields::parse(body) else { panic!("{body:?} is taken") };
            assert!(violations[0].message.contains(named), "{}", violations[0].message);
        }
    }

    #[test]
    fn the_first_problem_of_a_field_stays() {
        let mut problems = Problems::default();
        assert_eq!(problems.check("email", Err::<(), _>("that is no address".to_owned())), None);
        problems.add("email", "another");
        problems.add("name", "Too long.");
        let all: Vec<_> = problems.iter().collect();
        assert_eq!(all, [("email", "That is no address."), ("name", "Too long.")]);
        assert_eq!((problems.get("email").is_some(), problems.get("x")), (true, None));
        let sorted = problems.in_order(&["name", "email"]);
        assert_eq!(sorted.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["name", "email"]);
    }
}
