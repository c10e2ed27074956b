//! `POST /start/key`: a first key, shown this once. The form carries the id of the key that it makes: sent twice, it makes one.

use actix_web::{HttpResponse, web};
use entity::ids::{ApiKeyId, UserId};
use secrecy::ExposeSecret as _;

use super::read::{PROMPT, Page};
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
use crate::store::{NewApiKey, Store};

/// What a first key may do: ask, look, and make models fail on purpose.
const SCOPES: [Scope; 3] = [Scope::Inference, Scope::RouterRead, Scope::Drill];

const MADE_ALREADY: &str = "This form made its key already, and a key is shown once. If it is lost, revoke it under Keys and \
                            create another one.";

/// Makes a key and shows it, with a command that works as it is pasted.
///
/// # Errors
/// The database cannot be written.
pub async fn create(
    form: Form<may::ManageKeys>,
    store: web::Data<Store>,
    clock: web::Data<Clock>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let visitor = &form.visitor;
    let id = ApiKeyId(csrf::check_once(store.vault(), visitor.session_id, form.fields.text("once"))?);
    let data = store.organization(&visitor.tenant);
    let fresh = api_key::generate().map_err(Error::internal)?;
    let key = fresh.key.expose_secret();
    if data.api_key_create_once(id, new(&fresh, &store, visitor.user.id)).await?.is_none() {
        return flash::redirect(visitor.request(), "/start", MADE_ALREADY);
    }
    // The command beside the key needs somebody to answer it.
    if visitor.organization.models.is_empty() && visitor.may(Permission::Configure) {
        simulated::create(&visitor.organization, &data).await?;
    }
    let now = store.directory().organization(visitor.organization.id).ok_or(Error::NotReady)?;
    let mut shown = Page::of(visitor, &now, &store, &clock, &settings).await?;
    shown.curl = curl(&base_url::of(&settings, visitor.request()), key, &shown.called, PROMPT);
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
        expires_at: None,
        created_by: Some(by),
    }
}
