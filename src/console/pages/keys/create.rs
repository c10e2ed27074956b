//! `/keys/new`: a form, and the key that it makes, shown this once.
//!
//! The form carries the id of the key that it will make, signed for its session: sent twice, it makes one key.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::ApiKeyId;
use secrecy::ExposeSecret as _;

use super::form::{Typed, Wanted};
use crate::auth::api::api_key;
use crate::auth::console::console_user::{Requires, Visitor, may};
use crate::config::Settings;
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::snippets::curl;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::responses::{page, page_with};
use crate::console::http::{base_url, csrf, flash};
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::domain::permission::Scope;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{ApiKeyRow, Store};

#[derive(Template)]
#[template(path = "keys/create.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) typed: Typed,
    /// The id of the key to be made, signed.
    pub(crate) once: String,
    /// Their words, what they allow, and whether they are ticked.
    pub(crate) scopes: Vec<(&'static str, &'static str, bool)>,
    /// Their names, and whether they are ticked.
    pub(crate) models: Vec<(String, bool)>,
}

#[derive(Template)]
#[template(path = "keys/made.html")]
pub(crate) struct MadePage {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    /// The key itself.
    pub(crate) key: String,
    /// A command that works as pasted.
    pub(crate) snippet: String,
}

impl Page {
    fn of(
        visitor: &Visitor<impl Requires>,
        store: &Store,
        id: ApiKeyId,
        typed: Typed,
        problems: Problems,
    ) -> Self {
        let once = csrf::once_of_session(store.vault(), visitor.session_id, id.0);
        let frame = Frame::of(visitor, "Create key", Lit::Keys);
        Self::with(frame, &visitor.organization, once, typed, problems)
    }

    pub(crate) fn with(
        frame: Frame,
        organization: &OrganizationSnapshot,
        once: String,
        typed: Typed,
        problems: Problems,
    ) -> Self {
        Self {
            scopes: typed.scope_boxes(),
            models: typed.model_boxes(organization),
            frame,
            problems,
            once,
            typed,
        }
    }
}

/// The form.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(
    visitor: Visitor<may::ManageKeys>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let typed = Typed { scopes: vec![Scope::Inference.as_str().to_owned()], ..Typed::default() };
    page(&Page::of(&visitor, &store, ApiKeyId(clock.new_id()), typed, Problems::default()))
}

/// Makes the key and shows it. The one answer to a form that leads nowhere else: a redirect could not carry the key.
///
/// # Errors
/// The database cannot be written.
pub async fn create(
    form: Form<may::ManageKeys>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let (visitor, typed) = (&form.visitor, Typed::of(&form.fields));
    let id = csrf::check_once(store.vault(), visitor.session_id, form.fields.text("once"))?;
    let id = ApiKeyId(id);
    let again = |problems| page_with(422, &Page::of(visitor, &store, id, typed.clone(), problems));
    let wanted = match typed.read(clock.now()) {
        Err(problems) => return again(problems),
        Ok(wanted) => wanted,
    };
    let fresh = api_key::generate().map_err(Error::internal)?;
    let new = wanted.to_create(&fresh, store.vault(), visitor.user.id);
    match store.organization(&visitor.tenant).api_key_create_once(id, new).await {
        Ok(Some(row)) => page(&made(visitor, &settings, &wanted, &row, fresh.key.expose_secret())),
        Ok(None) => flash::redirect(visitor.request(), "/keys", MADE_ALREADY),
        Err(error) => again(Problems::of_refusal(error, "models", &[])?),
    }
}

const MADE_ALREADY: &str = "This form made its key already, and a key is shown once. If it is lost, revoke it and \
                            create another one.";

fn made(
    visitor: &Visitor<impl Requires>,
    settings: &Settings,
    wanted: &Wanted,
    row: &ApiKeyRow,
    key: &str,
) -> MadePage {
    let address = base_url::of(settings, visitor.request());
    MadePage {
        frame: Frame::of(visitor, "Key created", Lit::Keys),
        name: row.name.clone(),
        snippet: snippet(&address, key, wanted, &visitor.organization),
        key: key.to_owned(),
    }
}

fn snippet(address: &str, key: &str, wanted: &Wanted, organization: &OrganizationSnapshot) -> String {
    if !wanted.scopes.contains(&Scope::Inference) {
        return format!("curl '{address}/v1/identity/whoami' \\\n  -H 'Authorization: Bearer {key}'");
    }
    let enabled = organization.models.values().filter(|model| model.enabled);
    let oldest = enabled.min_by_key(|model| (model.created_at, model.id)).map(|model| &*model.name);
    let model = wanted.a_model().or(oldest).unwrap_or("smart");
    curl(address, key, model, "Hello")
}
