//! `/keys/new`: the form, and the page that shows the new key once.
//!
//! The form carries the signed id of the key that it will create: submitting it twice creates one key.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::ApiKeyId;
use secrecy::ExposeSecret as _;

use super::form::{FormValues, ValidKey};
use crate::auth::api::api_key;
use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::config::Settings;
use crate::console::components::layout::{Frame, NavigationItem};
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
    pub(crate) typed: FormValues,
    /// Signed id of the key to be created.
    pub(crate) once: String,
    /// Scope, description, and whether it is checked.
    pub(crate) scopes: Vec<(&'static str, &'static str, bool)>,
    /// Model names, and whether each is checked.
    pub(crate) models: Vec<(String, bool)>,
}

#[derive(Template)]
#[template(path = "keys/made.html")]
pub(crate) struct MadePage {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    /// The secret key in full.
    pub(crate) key: String,
    /// A command that works as pasted.
    pub(crate) snippet: String,
}

impl Page {
    fn of(
        console_user: &ConsoleUser<impl Requires>,
        store: &Store,
        id: ApiKeyId,
        typed: FormValues,
        problems: Problems,
    ) -> Self {
        let once = csrf::once_of_session(store.vault(), console_user.session_id, id.0);
        let frame = Frame::of(console_user, "Create key", NavigationItem::Keys);
        Self::with(frame, &console_user.organization, once, typed, problems)
    }

    pub(crate) fn with(
        frame: Frame,
        organization: &OrganizationSnapshot,
        once: String,
        typed: FormValues,
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

/// Renders the form.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(
    console_user: ConsoleUser<may::ManageKeys>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    let typed = FormValues { scopes: vec![Scope::Inference.as_str().to_owned()], ..FormValues::default() };
    page(&Page::of(&console_user, &store, ApiKeyId(clock.new_id()), typed, Problems::default()))
}

/// Creates the key and shows it. This form is answered with a page instead of a redirect, which could not carry the
/// key.
///
/// # Errors
/// The database cannot be written.
pub async fn create(
    form: Form<may::ManageKeys>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let (console_user, typed) = (&form.console_user, FormValues::of(&form.fields));
    let id = csrf::check_once(store.vault(), console_user.session_id, form.fields.text("once"))?;
    let id = ApiKeyId(id);
    let again = |problems| page_with(422, &Page::of(console_user, &store, id, typed.clone(), problems));
    let wanted = match typed.read(clock.now()) {
        Err(problems) => return again(problems),
        Ok(wanted) => wanted,
    };
    let fresh = api_key::generate().map_err(Error::internal)?;
    let new = wanted.to_create(&fresh, store.vault(), console_user.user.id);
    match store.organization(&console_user.tenant).api_key_create_once(id, new).await {
        Ok(Some(row)) => page(&made(console_user, &settings, &wanted, &row, fresh.key.expose_secret())),
        Ok(None) => flash::redirect(console_user.request(), "/keys", MADE_ALREADY),
        Err(error) => again(Problems::of_refusal(error, "models", &[])?),
    }
}

const MADE_ALREADY: &str = "This form already created its key, and a key is shown only once. If it is lost, revoke it and create another one.";

fn made(
    console_user: &ConsoleUser<impl Requires>,
    settings: &Settings,
    wanted: &ValidKey,
    row: &ApiKeyRow,
    key: &str,
) -> MadePage {
    let address = base_url::of(settings, console_user.request());
    MadePage {
        frame: Frame::of(console_user, "Key created", NavigationItem::Keys),
        name: row.name.clone(),
        snippet: snippet(&address, key, wanted, &console_user.organization),
        key: key.to_owned(),
    }
}

fn snippet(address: &str, key: &str, wanted: &ValidKey, organization: &OrganizationSnapshot) -> String {
    if !wanted.scopes.contains(&Scope::Inference) {
        return format!("curl '{address}/v1/identity/whoami' \\\n  -H 'Authorization: Bearer {key}'");
    }
    let enabled = organization.models.values().filter(|model| model.enabled);
    let oldest = enabled.min_by_key(|model| (model.created_at, model.id)).map(|model| &*model.name);
    let model = wanted.first_model().or(oldest).unwrap_or("smart");
    curl(address, key, model, "Hello")
}
