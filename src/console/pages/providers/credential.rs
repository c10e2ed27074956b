//! `/credentials/{id}`: one credential of a provider: a form that changes it, a connection test, and its removal.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::ProviderCredentialId;

use super::credential_form::{CredentialLine, CredentialValues};
use super::kind_form::KindForm;
use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::confirmation::{Choice, Confirmation, Link};
use crate::console::components::edit_conflict::{Conflict, seen, state};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::forms::{Form, Problems};
use crate::console::http::responses::{page, page_with};
use crate::console::http::{flash, path};
use crate::domain::error::{Error, Result};
use crate::domain::permission::Permission;
use crate::gateway::Gateway;
use crate::gateway::preview::connection_test::ConnectionReport;
use crate::store::{CredentialRow, OrgStore, ProviderRow, Store};

/// The resource's name in error messages.
const WHAT: &str = "credential";

#[derive(Template)]
#[template(path = "providers/credential.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) conflict: Option<Conflict>,
    pub(crate) typed: CredentialValues,
    pub(crate) kind: KindForm,
    pub(crate) provider_id: String,
    pub(crate) provider: String,
    pub(crate) line: CredentialLine,
    /// What a connection test has shown; empty without one.
    pub(crate) tested: String,
    pub(crate) may_configure: bool,
}

impl Page {
    fn of(console_user: &ConsoleUser<impl Requires>, row: &CredentialRow, provider: &ProviderRow) -> Self {
        Self::with(Frame::of(console_user, &row.name, NavigationItem::Providers), row, provider)
    }

    pub(crate) fn with(frame: Frame, row: &CredentialRow, provider: &ProviderRow) -> Self {
        let line = CredentialLine::from(row);
        let stored = format!("Stored: {}. Leave empty to keep it.", line.hint);
        Self {
            problems: Problems::default(),
            conflict: None,
            typed: CredentialValues::of_row(row),
            kind: KindForm::of(&provider.preset, &stored),
            provider_id: provider.id.0.to_string(),
            provider: provider.name.clone(),
            line,
            tested: String::new(),
            may_configure: frame.person.as_ref().is_some_and(|person| person.may(Permission::Configure)),
            frame,
        }
    }

    /// Path of the page with the saved values.
    fn path(&self) -> String {
        format!("/credentials/{}", self.line.id)
    }
}

/// The credential with the id in the path, and its provider.
async fn find(data: &OrgStore, id: &str) -> Result<(CredentialRow, ProviderRow)> {
    let id: ProviderCredentialId = path::id(WHAT, id)?;
    let row = data.credential_find(id).await?.ok_or_else(|| Error::absent(WHAT, id))?;
    let provider = data.provider_find(row.provider_id).await?.ok_or_else(|| Error::absent(WHAT, id))?;
    Ok((row, provider))
}

/// Renders the page.
///
/// # Errors
/// The organization has no credential with this id.
pub async fn read(
    console_user: ConsoleUser<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let (row, provider) = find(&store.organization(&console_user.tenant), &path).await?;
    page(&Page::of(&console_user, &row, &provider))
}

/// Changes the credential.
///
/// # Errors
/// The organization has no credential with this id.
pub async fn change(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (console_user, typed) = (&form.console_user, CredentialValues::of(&form.fields));
    let data = store.organization(&console_user.tenant);
    let (row, provider) = find(&data, &path).await?;
    let problems = match typed.to_change(&form.fields, &provider, gateway.upstream.address_policy()) {
        Err(problems) => problems,
        Ok(to) => match data.credential_change(row.id, to).await {
            Ok(None) => return Err(Error::absent(WHAT, row.id)),
            Ok(Some(after)) => {
                let said = format!("{} was saved. The change is in effect now.", after.name);
                let path = format!("/credentials/{}", after.id);
                return flash::redirect(console_user.request(), &path, &said);
            }
            Err(Error::RevisionChanged { .. }) => {
                let (now, provider) = find(&data, &path).await?;
                let conflict = Some(Conflict::of(&data, now.id.0, seen(&typed.seen)).await?);
                let typed = CredentialValues { seen: state(now.updated_at), ..typed };
                let shown = Page::of(console_user, &now, &provider);
                return page_with(409, &Page { conflict, typed, ..shown });
            }
            Err(error) => Problems::of_refusal(error, "name", &[])?,
        },
    };
    page_with(422, &Page { problems, typed, ..Page::of(console_user, &row, &provider) })
}

/// Tests the connection with this credential. The result is shown once; whether it passed is the credential's health.
///
/// # Errors
/// The organization has no credential with this id.
pub async fn test(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let console_user = &form.console_user;
    let data = store.organization(&console_user.tenant);
    let (row, _) = find(&data, &path).await?;
    let organization = &console_user.organization;
    let provider = organization.providers.get(&row.provider_id);
    let tested = match provider.and_then(|provider| provider.with_credential(row.id)) {
        Some(provider) => {
            let _place = gateway.shares.of(organization.id).request()?;
            result(&gateway.test_connection(&data, provider).await)
        }
        None => "This server cannot decrypt the stored credential. Enter it again below.".to_owned(),
    };
    // The health has changed.
    let (row, provider) = find(&data, &path).await?;
    page(&Page { tested, ..Page::of(console_user, &row, &provider) })
}

fn result(report: &ConnectionReport) -> String {
    match &report.failure {
        None => "The connection works, and the credential is accepted.".to_owned(),
        Some(failure) => {
            let remedy = report.remedy().unwrap_or_default();
            format!("The test failed: {} {remedy}", failure.message)
        }
    }
}

/// Renders the confirmation page of the removal.
///
/// # Errors
/// The organization has no credential with this id.
pub async fn confirm(
    console_user: ConsoleUser<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let (row, provider) = find(&data, &path).await?;
    let all = data.credential_list(provider.id).await?.unwrap_or_default();
    let frame = Frame::of(&console_user, &format!("Remove {}", row.name), NavigationItem::Providers);
    page(&confirmation(frame, &row, &provider.name, all.len() > 1))
}

/// The confirmation page of a credential. `has_others` says whether its provider has another one.
pub(crate) fn confirmation(
    frame: Frame,
    row: &CredentialRow,
    provider: &str,
    has_others: bool,
) -> Confirmation {
    let (effect, choice) = if has_others {
        (
            format!(
                "Its secret is erased and cannot be recovered. Calls of {provider} use its other credentials from now on."
            ),
            Choice::Confirm("Remove credential", "Keep it"),
        )
    } else {
        let effect = format!(
            "It cannot be removed: {provider} has no other credential. Add another one first, or change the provider."
        );
        (effect, Choice::Prevented)
    };
    Confirmation {
        frame,
        list: Link::new(format!("/providers/{}/credentials", row.provider_id), "Credentials"),
        resource: Some(Link::new(format!("/credentials/{}", row.id), &*row.name)),
        path: format!("/credentials/{}/delete", row.id),
        effects: vec![effect],
        dependents: None,
        choice,
    }
}

/// Removes the credential.
///
/// # Errors
/// The organization has no credential with this id, or its provider has no other.
pub async fn delete(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.console_user.tenant);
    let (row, _) = find(&data, &path).await?;
    let gone = data.credential_delete(row.id).await?.ok_or_else(|| Error::absent(WHAT, row.id))?;
    let path = format!("/providers/{}/credentials", gone.provider_id);
    flash::redirect(form.console_user.request(), &path, &format!("{} was removed.", gone.name))
}
