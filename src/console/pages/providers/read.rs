//! `/providers/{id}`: a provider as it is, a form that changes it, and a test of its connection.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::ProviderId;

use super::WHAT;
use super::form::{Typed, kinds, stream_choices};
use super::line::{ProviderLine, served};
use super::report::Report;
use crate::auth::console::console_user::{Requires, Visitor, may};
use crate::console::components::edit_conflict::{Conflict, seen, state};
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::time_range::Choice;
use crate::console::components::timestamp::Moment;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::responses::{page, page_with};
use crate::console::http::{flash, path};
use crate::domain::error::{Error, Result};
use crate::domain::permission::Permission;
use crate::gateway::Gateway;
use crate::store::{OrgStore, ProviderRow, Store};

#[derive(Template)]
#[template(path = "providers/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) conflict: Option<Conflict>,
    pub(crate) typed: Typed,
    pub(crate) kinds: Vec<Choice>,
    pub(crate) stream_choices: Vec<Choice>,
    pub(crate) credential_hint: String,
    pub(crate) has_credential: bool,
    pub(crate) line: ProviderLine,
    pub(crate) health_at: Option<Moment>,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    /// Ids and names, by name.
    pub(crate) models: Vec<(String, String)>,
    pub(crate) report: Option<Report>,
    pub(crate) may_configure: bool,
}

impl Page {
    fn of(visitor: &Visitor<impl Requires>, row: &ProviderRow) -> Self {
        let line = ProviderLine::of(row, &visitor.organization);
        let frame = Frame::of(visitor, &row.name, Lit::Providers);
        Self::with(frame, line, row, served(&visitor.organization, row.id))
    }

    /// Where what is in force stands.
    fn path(&self) -> String {
        format!("/providers/{}", self.line.id)
    }

    pub(crate) fn with(
        frame: Frame,
        line: ProviderLine,
        row: &ProviderRow,
        models: Vec<(String, String)>,
    ) -> Self {
        let credential_hint = if row.has_credential {
            format!(
                "Stored: {}. Leave this empty to keep it. It must be given again when the kind, scheme, host or port changes.",
                line.credential
            )
        } else {
            "The vendor’s API key. It is sealed when it is stored, and never shown again.".to_owned()
        };
        Self {
            problems: Problems::default(),
            conflict: None,
            typed: Typed::of_row(row),
            kinds: kinds(),
            stream_choices: stream_choices(),
            credential_hint,
            has_credential: row.has_credential,
            line,
            health_at: row.health_at.map(Moment::from),
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            models,
            report: None,
            may_configure: frame.person.as_ref().is_some_and(|person| person.may(Permission::Configure)),
            frame,
        }
    }
}

/// The provider of the path.
pub(super) async fn find(data: &OrgStore, id: &str) -> Result<ProviderRow> {
    let id: ProviderId = path::id(WHAT, id)?;
    data.provider_find(id).await?.ok_or_else(|| Error::absent(WHAT, id))
}

/// The page.
///
/// # Errors
/// The organization has no provider of that id.
pub async fn read(
    visitor: Visitor<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let row = find(&store.organization(&visitor.tenant), &path).await?;
    page(&Page::of(&visitor, &row))
}

/// Changes the provider.
///
/// # Errors
/// The organization has no provider of that id.
pub async fn change(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (visitor, typed) = (&form.visitor, Typed::of(&form.fields));
    let data = store.organization(&visitor.tenant);
    let before = find(&data, &path).await?;
    let problems = match typed.to_change(&form.fields, &before, gateway.upstream.address_policy()) {
        Err(problems) => problems,
        Ok(to) => match data.provider_change(before.id, to).await {
            Ok(None) => return Err(Error::absent(WHAT, before.id)),
            Ok(Some(after)) => {
                let said = format!("{} is saved, and in force.", after.name);
                return flash::redirect(visitor.request(), &format!("/providers/{}", after.id), &said);
            }
            Err(Error::RevisionChanged { .. }) => {
                let now = find(&data, &path).await?;
                let conflict = Some(Conflict::of(&data, now.id.0, seen(&typed.seen)).await?);
                let typed = Typed { seen: state(now.updated_at), ..typed };
                return page_with(409, &Page { conflict, typed, ..Page::of(visitor, &now) });
            }
            Err(error) => Problems::of_refusal(error, "name", &[("credential", CREDENTIAL_NEEDED)])?,
        },
    };
    page_with(422, &Page { problems, typed, ..Page::of(visitor, &before) })
}

const CREDENTIAL_NEEDED: &str = "The stored credential would go to another vendor, scheme, host or port. Give it \
                                 again, or remove it.";

/// Tests the connection. What it finds is shown at once and kept nowhere: a reload tests again.
///
/// # Errors
/// The organization has no provider of that id.
pub async fn test(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let visitor = &form.visitor;
    let data = store.organization(&visitor.tenant);
    let row = find(&data, &path).await?;
    let organization = &visitor.organization;
    let report = match organization.providers.get(&row.id) {
        Some(provider) => {
            let _place = gateway.shares.of(organization.id).request()?;
            Report::of(gateway.test_connection(organization.id, provider).await, row.id, organization)
        }
        None => Report::unopened(),
    };
    page(&Page { report: Some(report), ..Page::of(visitor, &row) })
}
