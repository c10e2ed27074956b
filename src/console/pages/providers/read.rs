//! `/providers/{id}`: one provider, a form that changes it, and a connection test.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::ProviderId;

use super::WHAT;
use super::form::{FormValues, kinds, stream_choices};
use super::kind_form::KindForm;
use super::line::{ProviderLine, served};
use super::report::Report;
use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::edit_conflict::{Conflict, seen, state};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::time_range::Choice;
use crate::console::components::timestamp::Timestamp;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::responses::{page, page_with};
use crate::console::http::{flash, path};
use crate::domain::error::{Error, Result};
use crate::domain::permission::Permission;
use crate::gateway::Gateway;
use crate::store::{OrgStore, ProviderHealth, ProviderRow, Store};

#[derive(Template)]
#[template(path = "providers/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) conflict: Option<Conflict>,
    pub(crate) typed: FormValues,
    pub(crate) kinds: Vec<Choice>,
    pub(crate) stream_choices: Vec<Choice>,
    /// What is stored as the credential; empty if nothing is.
    pub(crate) stored: String,
    pub(crate) has_credential: bool,
    pub(crate) line: ProviderLine,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Ids and names of its models, by name.
    pub(crate) models: Vec<(String, String)>,
    pub(crate) report: Option<Report>,
    pub(crate) may_configure: bool,
}

impl Page {
    fn of(console_user: &ConsoleUser<impl Requires>, row: &ProviderRow) -> Self {
        let line = ProviderLine::of(row, &console_user.organization);
        let frame = Frame::of(console_user, &row.name, NavigationItem::Providers);
        Self::with(frame, line, row, served(&console_user.organization, row.id))
    }

    /// Path of the page with the saved values.
    fn path(&self) -> String {
        format!("/providers/{}", self.line.id)
    }

    /// The fields of the chosen kind.
    pub(crate) fn kind(&self) -> KindForm {
        KindForm::of(&self.typed.preset, &self.stored)
    }

    pub(crate) fn with(
        frame: Frame,
        line: ProviderLine,
        row: &ProviderRow,
        models: Vec<(String, String)>,
    ) -> Self {
        let stored = match (row.has_credential, &row.credential_hint) {
            (false, _) => String::new(),
            (true, None) => format!("A credential is stored. {KEEP}"),
            (true, Some(_)) => format!("Stored: {}. {KEEP}", line.credential),
        };
        Self {
            problems: Problems::default(),
            conflict: None,
            typed: FormValues::of_row(row),
            kinds: kinds(),
            stream_choices: stream_choices(),
            stored,
            has_credential: row.has_credential,
            line,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            models,
            report: None,
            may_configure: frame.person.as_ref().is_some_and(|person| person.may(Permission::Configure)),
            frame,
        }
    }
}

/// How a stored credential is kept.
const KEEP: &str = "Leave empty to keep it. Enter it again when the kind, scheme, host or port changes.";

/// The provider with the id in the path.
pub(super) async fn find(data: &OrgStore, id: &str) -> Result<ProviderRow> {
    let id: ProviderId = path::id(WHAT, id)?;
    data.provider_find(id).await?.ok_or_else(|| Error::absent(WHAT, id))
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
    let row = find(&store.organization(&console_user.tenant), &path).await?;
    page(&Page::of(&console_user, &row))
}

/// Changes the provider, or only shows the fields of the chosen kind.
///
/// # Errors
/// The organization has no provider with this id.
pub async fn change(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (console_user, typed) = (&form.console_user, FormValues::of(&form.fields));
    let data = store.organization(&console_user.tenant);
    let before = find(&data, &path).await?;
    if form.fields.flag("look") {
        return page(&Page { typed, ..Page::of(console_user, &before) });
    }
    let problems = match typed.to_change(&form.fields, &before, gateway.upstream.address_policy()) {
        Err(problems) => problems,
        Ok(to) => match data.provider_change(before.id, to).await {
            Ok(None) => return Err(Error::absent(WHAT, before.id)),
            Ok(Some(after)) => {
                let said = format!("{} was saved. The change is in effect now.", after.name);
                return flash::redirect(console_user.request(), &format!("/providers/{}", after.id), &said);
            }
            Err(Error::RevisionChanged { .. }) => {
                let now = find(&data, &path).await?;
                let conflict = Some(Conflict::of(&data, now.id.0, seen(&typed.seen)).await?);
                let typed = FormValues { seen: state(now.updated_at), ..typed };
                return page_with(409, &Page { conflict, typed, ..Page::of(console_user, &now) });
            }
            Err(error) => Problems::of_refusal(error, "name", &[("credential", CREDENTIAL_NEEDED)])?,
        },
    };
    page_with(422, &Page { problems, typed, ..Page::of(console_user, &before) })
}

const CREDENTIAL_NEEDED: &str = "The stored credential would be sent to another vendor, scheme, host or port. Enter it again, or remove it.";

/// Tests the connection. The report is shown once; whether the test passed, when and why not is the provider's health.
///
/// # Errors
/// The organization has no provider with this id.
pub async fn test(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let console_user = &form.console_user;
    let data = store.organization(&console_user.tenant);
    let row = find(&data, &path).await?;
    let organization = &console_user.organization;
    let report = match organization.providers.get(&row.id) {
        Some(provider) => {
            let _place = gateway.shares.of(organization.id).request()?;
            Report::of(gateway.test_connection(&data, provider).await, row.id, organization)
        }
        None => {
            let report = Report::unopened();
            let health = ProviderHealth::Failing(report.message.clone());
            data.provider_tested(row.id, row.updated_at, health).await?;
            report
        }
    };
    // The health has changed.
    let row = find(&data, &path).await?;
    page(&Page { report: Some(report), ..Page::of(console_user, &row) })
}
