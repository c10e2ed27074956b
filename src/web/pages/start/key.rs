//! `POST /start/key`: a first key, shown this once.

use actix_web::{HttpResponse, web};
use secrecy::ExposeSecret as _;

use super::read::{PROMPT, Page};
use super::simulated;
use crate::auth::api_key;
use crate::auth::permission::{Permission, Scope};
use crate::auth::visitor::may;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::store::{NewApiKey, Store};
use crate::web::address;
use crate::web::forms::Form;
use crate::web::response::page;
use crate::web::snippets::curl;

/// What a first key may do: ask, look, and make models fail on purpose.
const SCOPES: [Scope; 3] = [Scope::Inference, Scope::RouterRead, Scope::Drill];

/// Makes a key and shows it, with a command that works as it is pasted.
///
/// # Errors
/// The database cannot be written.
pub async fn create(
    form: Form<may::ManageKeys>,
    store: web::Data<Store>,
    settings: web::Data<Settings>,
) -> Result<HttpResponse> {
    let visitor = &form.visitor;
    let data = store.organization(&visitor.tenant);
    let fresh = api_key::generate().map_err(Error::internal)?;
    let key = fresh.key.expose_secret();
    let new = NewApiKey {
        name: "First key".to_owned(),
        key_hash: store.vault().key_hash(key),
        prefix: fresh.prefix.clone(),
        last_four: fresh.last_four.clone(),
        scopes: SCOPES.iter().map(|scope| scope.as_str().to_owned()).collect(),
        models: None,
        requests_per_minute: None,
        concurrent_requests: None,
        expires_at: None,
        created_by: Some(visitor.user.id),
    };
    data.api_key_create(new).await?;
    // The command beside the key needs somebody to answer it.
    if visitor.organization.models.is_empty() && visitor.may(Permission::Configure) {
        simulated::create(&visitor.organization, &data).await?;
    }
    let now = store.directory().organization(visitor.organization.id).ok_or(Error::NotReady)?;
    let mut shown = Page::of(visitor, &now, &data, &settings).await?;
    shown.curl = curl(&address::of(&settings, visitor.request()), key, &shown.called, PROMPT);
    shown.new_key = Some(key.to_owned());
    page(&shown)
}
