//! `/keys/{id}`: one key without its secret, and a form that changes it.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::ApiKeyId;

use super::WHAT;
use super::form::FormValues;
use super::line::KeyLine;
use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::budget_summary;
use crate::console::components::budget_summary::BudgetLine;
use crate::console::components::edit_conflict::{Conflict, seen, state};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::forms::{Form, Problems};
use crate::console::http::responses::{page, page_with};
use crate::console::http::{flash, path};
use crate::domain::error::{Error, Result};
use crate::domain::permission::Permission;
use crate::gateway::Gateway;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{ApiKeyRow, OrgStore, Store};

#[derive(Template)]
#[template(path = "keys/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) conflict: Option<Conflict>,
    pub(crate) typed: FormValues,
    /// Scope, description, and whether it is checked.
    pub(crate) scopes: Vec<(&'static str, &'static str, bool)>,
    /// Model names, and whether each is checked.
    pub(crate) models: Vec<(String, bool)>,
    pub(crate) line: KeyLine,
    pub(crate) may_manage: bool,
    /// Whether the key can be changed: it is not revoked, and the role allows it.
    pub(crate) may_change: bool,
    pub(crate) budgets: Vec<BudgetLine>,
}

impl Page {
    fn of(
        console_user: &ConsoleUser<impl Requires>,
        row: &ApiKeyRow,
        typed: FormValues,
        problems: Problems,
        gateway: &Gateway,
    ) -> Self {
        let (spending, now) = (&gateway.shared_state.spending, gateway.clock.now());
        let budgets = budget_summary::lines(&console_user.organization, Some(row.id), spending, now);
        let used = console_user.organization.last_uses().get(&row.id).copied();
        let frame = Frame::of(console_user, &row.name, NavigationItem::Keys);
        let line = KeyLine::of(row, used, now);
        Self { problems, budgets, ..Self::with(frame, line, typed, &console_user.organization) }
    }

    /// Path of the page with the saved values.
    fn path(&self) -> String {
        format!("/keys/{}", self.line.id)
    }

    pub(crate) fn with(
        frame: Frame,
        line: KeyLine,
        typed: FormValues,
        organization: &OrganizationSnapshot,
    ) -> Self {
        let may_manage = frame.person.as_ref().is_some_and(|person| person.may(Permission::ManageKeys));
        Self {
            problems: Problems::default(),
            conflict: None,
            scopes: typed.scope_boxes(),
            models: typed.model_boxes(organization),
            may_change: may_manage && !line.revoked,
            typed,
            line,
            may_manage,
            frame,
            budgets: Vec::new(),
        }
    }

    /// Path of the budget form; empty if the role does not allow it.
    pub(crate) fn budget_path(&self) -> String {
        if self.may_change { format!("/keys/{}/budget", self.line.id) } else { String::new() }
    }
}

/// The key with the id in the path.
pub(super) async fn find(data: &OrgStore, id: &str) -> Result<ApiKeyRow> {
    let id: ApiKeyId = path::id(WHAT, id)?;
    data.api_key_find(id).await?.ok_or_else(|| Error::absent(WHAT, id))
}

/// Renders the page.
///
/// # Errors
/// The organization has no key with this id.
pub async fn read(
    console_user: ConsoleUser<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let row = find(&store.organization(&console_user.tenant), &path).await?;
    page(&Page::of(&console_user, &row, FormValues::of_row(&row), Problems::default(), &gateway))
}

/// Changes the key. Its secret never changes.
///
/// # Errors
/// The organization has no key with this id, or it is revoked.
pub async fn change(
    form: Form<may::ManageKeys>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (console_user, typed) = (&form.console_user, FormValues::of(&form.fields));
    let data = store.organization(&console_user.tenant);
    let (before, now) = (find(&data, &path).await?, gateway.clock.now());
    let problems = match typed.to_change(&before, now) {
        Err(problems) => problems,
        Ok(to) => match data.api_key_change(before.id, to).await {
            Ok(None) => return Err(Error::absent(WHAT, before.id)),
            Ok(Some(after)) => {
                let said = format!("{} was saved. The change is in effect now.", after.name);
                return flash::redirect(console_user.request(), &format!("/keys/{}", after.id), &said);
            }
            Err(Error::RevisionChanged { .. }) => {
                let after = find(&data, &path).await?;
                let conflict = Some(Conflict::of(&data, after.id.0, seen(&typed.seen)).await?);
                let typed = FormValues { seen: state(after.updated_at), ..typed };
                let page = Page::of(console_user, &after, typed, Problems::default(), &gateway);
                return page_with(409, &Page { conflict, ..page });
            }
            // Only the list of models can be refused here; a revoked key has its own page.
            Err(error @ Error::Conflict { .. }) => return Err(error),
            Err(error) => Problems::of_refusal(error, "models", &[])?,
        },
    };
    page_with(422, &Page::of(console_user, &before, typed, problems, &gateway))
}
