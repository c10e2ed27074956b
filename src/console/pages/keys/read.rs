//! `/keys/{id}`: one key, without what would let one call with it, and a form that changes it.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::ApiKeyId;

use super::WHAT;
use super::form::Typed;
use super::line::KeyLine;
use crate::auth::console::console_user::{Requires, Visitor, may};
use crate::console::components::budget_summary;
use crate::console::components::budget_summary::BudgetLine;
use crate::console::components::edit_conflict::{Conflict, seen, state};
use crate::console::components::layout::{Frame, Lit};
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
    pub(crate) typed: Typed,
    /// Their words, what they allow, and whether they are ticked.
    pub(crate) scopes: Vec<(&'static str, &'static str, bool)>,
    /// Their names, and whether they are ticked.
    pub(crate) models: Vec<(String, bool)>,
    pub(crate) line: KeyLine,
    pub(crate) may_manage: bool,
    /// Whether it can be changed here: it lives, and the role allows it.
    pub(crate) may_change: bool,
    pub(crate) budgets: Vec<BudgetLine>,
}

impl Page {
    fn of(
        visitor: &Visitor<impl Requires>,
        row: &ApiKeyRow,
        typed: Typed,
        problems: Problems,
        gateway: &Gateway,
    ) -> Self {
        let (spending, now) = (&gateway.shared_state.spending, gateway.clock.now());
        let budgets = budget_summary::lines(&visitor.organization, Some(row.id), spending, now);
        let used = visitor.organization.last_uses().get(&row.id).copied();
        let frame = Frame::of(visitor, &row.name, Lit::Keys);
        let line = KeyLine::of(row, used, now);
        Self { problems, budgets, ..Self::with(frame, line, typed, &visitor.organization) }
    }

    /// Where what is in force stands.
    fn path(&self) -> String {
        format!("/keys/{}", self.line.id)
    }

    pub(crate) fn with(
        frame: Frame,
        line: KeyLine,
        typed: Typed,
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

    /// Where the budget is changed; empty for who may not.
    pub(crate) fn budget_path(&self) -> String {
        if self.may_change { format!("/keys/{}/budget", self.line.id) } else { String::new() }
    }
}

/// The key of the path.
pub(super) async fn find(data: &OrgStore, id: &str) -> Result<ApiKeyRow> {
    let id: ApiKeyId = path::id(WHAT, id)?;
    data.api_key_find(id).await?.ok_or_else(|| Error::absent(WHAT, id))
}

/// The page.
///
/// # Errors
/// The organization has no key of that id.
pub async fn read(
    visitor: Visitor<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let row = find(&store.organization(&visitor.tenant), &path).await?;
    page(&Page::of(&visitor, &row, Typed::of_row(&row), Problems::default(), &gateway))
}

/// Changes the key; its secret never changes.
///
/// # Errors
/// The organization has no key of that id; it is revoked.
pub async fn change(
    form: Form<may::ManageKeys>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (visitor, typed) = (&form.visitor, Typed::of(&form.fields));
    let data = store.organization(&visitor.tenant);
    let (before, now) = (find(&data, &path).await?, gateway.clock.now());
    let problems = match typed.to_change(&before, now) {
        Err(problems) => problems,
        Ok(to) => match data.api_key_change(before.id, to).await {
            Ok(None) => return Err(Error::absent(WHAT, before.id)),
            Ok(Some(after)) => {
                let said = format!("{} is saved, and in force.", after.name);
                return flash::redirect(visitor.request(), &format!("/keys/{}", after.id), &said);
            }
            Err(Error::RevisionChanged { .. }) => {
                let after = find(&data, &path).await?;
                let conflict = Some(Conflict::of(&data, after.id.0, seen(&typed.seen)).await?);
                let typed = Typed { seen: state(after.updated_at), ..typed };
                let page = Page::of(visitor, &after, typed, Problems::default(), &gateway);
                return page_with(409, &Page { conflict, ..page });
            }
            // Only a list of models can be refused there; a key that is revoked has a page of its own.
            Err(error @ Error::Conflict { .. }) => return Err(error),
            Err(error) => Problems::of_refusal(error, "models", &[])?,
        },
    };
    page_with(422, &Page::of(visitor, &before, typed, problems, &gateway))
}
