//! `/providers/{id}/credentials`: the credentials of a provider, and a form that adds one.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::credential_form::{CredentialLine, CredentialValues};
use super::kind_form::KindForm;
use super::read::find;
use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::responses::{page, page_with};
use crate::domain::error::{Error, Result};
use crate::domain::permission::Permission;
use crate::gateway::Gateway;
use crate::store::{CredentialRow, OrgStore, ProviderRow, Store};

#[derive(Template)]
#[template(path = "providers/credentials.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) typed: CredentialValues,
    pub(crate) kind: KindForm,
    pub(crate) provider_id: String,
    pub(crate) provider: String,
    pub(crate) lines: Vec<CredentialLine>,
    pub(crate) may_configure: bool,
}

impl Page {
    async fn of(
        console_user: &ConsoleUser<impl Requires>,
        data: &OrgStore,
        provider: &ProviderRow,
    ) -> Result<Self> {
        let rows = data.credential_list(provider.id).await?.unwrap_or_default();
        let title = format!("Credentials of {}", provider.name);
        Ok(Self::with(Frame::of(console_user, &title, NavigationItem::Providers), provider, &rows))
    }

    pub(crate) fn with(frame: Frame, provider: &ProviderRow, rows: &[CredentialRow]) -> Self {
        Self {
            problems: Problems::default(),
            typed: CredentialValues::default(),
            kind: KindForm::of(&provider.preset, ""),
            provider_id: provider.id.0.to_string(),
            provider: provider.name.clone(),
            lines: rows.iter().map(CredentialLine::from).collect(),
            may_configure: frame.person.as_ref().is_some_and(|person| person.may(Permission::Configure)),
            frame,
        }
    }
}

/// Renders the page.
///
/// # Errors
/// The organization has no provider with this id.
pub async fn read(
    console_user: ConsoleUser<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let provider = find(&data, &path).await?;
    page(&Page::of(&console_user, &data, &provider).await?)
}

/// Adds a credential.
///
/// # Errors
/// The organization has no provider with this id.
pub async fn create(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (console_user, typed) = (&form.console_user, CredentialValues::of(&form.fields));
    let data = store.organization(&console_user.tenant);
    let provider = find(&data, &path).await?;
    let problems = match typed.to_create(&form.fields, &provider, gateway.upstream.address_policy()) {
        Err(problems) => problems,
        Ok(new) => match data.credential_create(provider.id, new).await {
            Ok(None) => return Err(Error::absent(super::WHAT, provider.id)),
            Ok(Some(row)) => {
                let said = format!("{} was added. Calls use it now.", row.name);
                let path = format!("/credentials/{}", row.id);
                return flash::redirect(console_user.request(), &path, &said);
            }
            Err(error) => Problems::of_refusal(error, "name", &[])?,
        },
    };
    page_with(422, &Page { problems, typed, ..Page::of(console_user, &data, &provider).await? })
}
