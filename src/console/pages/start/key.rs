//! `POST /start/key`: creates a first key and shows it once. The form carries the signed id of the key: submitting it
//! twice creates one key.

use actix_web::{HttpResponse, web};
use entity::ids::{ApiKeyId, UserId};
use secrecy::ExposeSecret as _;

use super::read::{DEFAULT_PROMPT, Page};
use super::simulated;
use crate::auth::api::api_key;
use crate::auth::api::api_key::NewKey;
use crate::auth::console::console_user::may;
use crate::config::Settings;
use crate::console::components::snippets::curl;
use crate::console::http::forms::Form;
use crate::console::http::responses::page;
use crate::console::http::{base_url, csrf, flash};
use crate::domain::clock::Clock;
use crate::domain::error::{Error, Result};
use crate::domain::permission::{Permission, Scope};
use crate::store::{ModelLimits, NewApiKey, Store};

/// Scopes of a first key: call models, read the log, and run drills.
const SCOPES: [Scope; 3] = [Scope::Inference, Scope::RouterRead, Scope::Drill];

const MADE_ALREADY: &str = "This form already created its key, and a key is shown only once. If it is lost, revoke it under Keys and create another one.";

/// Creates the key and shows it with a command that works as pasted.
///
/// # Errors
/// The database cannot be written.
pub async fn create(
    form: Form<may::ManageKeys>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let console_user = &form.console_user;
    let id = ApiKeyId(csrf::check_once(store.vault(), console_user.session_id, form.fields.text("once"))?);
    let data = store.organization(&console_user.tenant);
    let fresh = api_key::generate().map_err(Error::internal)?;
    let key = fresh.key.expose_secret();
    if data.api_key_create_once(id, new(&fresh, &store, console_user.user.id)).await?.is_none() {
        return flash::redirect(console_user.request(), "/start", MADE_ALREADY);
    }
    // The command next to the key needs a model that answers.
    if console_user.organization.models.is_empty() && console_user.may(Permission::Configure) {
        simulated::create(&console_user.organization, &data).await?;
    }
    let now = store.snapshots().organization(console_user.organization.id).ok_or(Error::NotReady)?;
    let mut shown = Page::of(console_user, &now, &store, &clock, &settings).await?;
    shown.curl = curl(&base_url::of(&settings, console_user.request()), key, &shown.called, DEFAULT_PROMPT);
    shown.new_key = Some(key.to_owned());
    page(&shown)
}

fn new(fresh: &NewKey, store: &Store, by: UserId) -> NewApiKey {
    NewApiKey {
        name: "First key".to_owned(),
        key_hash: store.vault().key_hash(fresh.key.expose_secret()),
        prefix: fresh.prefix.clone(),
        last_four: fresh.last_four.clone(),
        scopes: SCOPES.iter().map(|scope| scope.as_str().to_owned()).collect(),
        models: None,
        requests_per_minute: None,
        concurrent_requests: None,
        requests_per_day: None,
        tokens_per_minute: None,
        tokens_per_day: None,
        model_limits: ModelLimits::default(),
        expires_at: None,
        created_by: Some(by),
    }
}
