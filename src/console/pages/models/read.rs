//! `/models/{id}`: one model, where it is used, a form that changes it, and a button that ends its cooldown.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::ModelId;

use super::WHAT;
use super::facts::facts;
use super::form::{BuiltInValues, FormValues};
use super::line::{ModelLine, Value};
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
use crate::store::pagination::PageRequest;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{FilledModel, ModelRow, OrgStore, Store};

/// Maximum number of providers in the select field.
const MOST_PROVIDERS: u64 = 200;

#[derive(Template)]
#[template(path = "models/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) conflict: Option<Conflict>,
    pub(crate) typed: FormValues,
    pub(crate) known: BuiltInValues,
    pub(crate) providers: Vec<Choice>,
    pub(crate) line: ModelLine,
    pub(crate) facts: Vec<(String, Value)>,
    /// Date of the built-in values; empty if the model is not in the table.
    pub(crate) known_as_of: String,
    pub(crate) uses: Uses,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) may_configure: bool,
}

/// Where a model is used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uses {
    /// Whether it has its own fallbacks.
    pub(crate) has_fallbacks: bool,
    /// Ids and names of the models that it is a fallback of, by name.
    pub(crate) behind: Vec<(String, String)>,
    /// Names of the keys that are restricted to it and other models.
    pub(crate) keys: Vec<String>,
}

impl Uses {
    pub(crate) fn of(row: &ModelRow, organization: &OrganizationSnapshot) -> Self {
        let lists = |id: &ModelId| {
            let chains = organization.chains.get(id).into_iter();
            chains
                .flat_map(|chains| [&chains.general, &chains.context_window, &chains.content_policy])
                .flatten()
        };
        let stands_behind =
            |id: &ModelId| lists(id).any(|chain| chain.targets.iter().any(|target| target.id == row.id));
        let sources = organization.models.values().filter(|model| stands_behind(&model.id));
        let mut behind: Vec<_> =
            sources.map(|model| (model.id.0.to_string(), model.name.to_string())).collect();
        behind.sort_by(|one, other| one.1.cmp(&other.1));
        let naming = organization
            .keys
            .values()
            .filter(|key| key.models.as_ref().is_some_and(|models| models.contains(&row.name)));
        let mut keys: Vec<String> = naming.map(|key| key.name.to_string()).collect();
        keys.sort_unstable();
        Self { has_fallbacks: lists(&row.id).next().is_some(), behind, keys }
    }

    /// Whether fallbacks prevent its deletion.
    pub(crate) fn in_fallbacks(&self) -> bool {
        self.has_fallbacks || !self.behind.is_empty()
    }
}

impl Page {
    async fn of(
        console_user: &ConsoleUser<impl Requires>,
        data: &OrgStore,
        gateway: &Gateway,
        row: &ModelRow,
    ) -> Result<Self> {
        let organization = &console_user.organization;
        let line = ModelLine::of(row, organization, &gateway.shared_state.cooldowns);
        let frame = Frame::of(console_user, &row.name, NavigationItem::Models);
        let may_configure = console_user.may(Permission::Configure);
        let providers = if may_configure { choices(data).await? } else { Vec::new() };
        Ok(Self { providers, ..Self::with(frame, line, row, Uses::of(row, organization)) })
    }

    /// Path of the page with the saved values.
    fn path(&self) -> String {
        format!("/models/{}", self.line.id)
    }

    pub(crate) fn with(frame: Frame, line: ModelLine, row: &ModelRow, uses: Uses) -> Self {
        let filled = row.filled();
        let known = BuiltInValues::of(&FilledModel::known(&row.provider_preset, &row.upstream_model));
        Self {
            problems: Problems::default(),
            conflict: None,
            typed: FormValues::of_row(row),
            known_as_of: known.as_of.clone(),
            known,
            providers: Vec::new(),
            line,
            facts: facts(row, &filled),
            uses,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
            may_configure: frame.person.as_ref().is_some_and(|person| person.may(Permission::Configure)),
            frame,
        }
    }
}

/// Options for the provider.
pub(super) async fn choices(data: &OrgStore) -> Result<Vec<Choice>> {
    let page = data.provider_list(&PageRequest { limit: MOST_PROVIDERS, cursor: None }).await?;
    let choices = page.items.into_iter().map(|row| Choice { value: row.id.to_string(), label: row.name });
    let mut choices: Vec<Choice> = choices.collect();
    choices.sort_by(|one, other| one.label.cmp(&other.label));
    Ok(choices)
}

/// The model with the id in the path.
pub(super) async fn find(data: &OrgStore, id: &str) -> Result<ModelRow> {
    let id: ModelId = path::id(WHAT, id)?;
    data.model_find(id).await?.ok_or_else(|| Error::absent(WHAT, id))
}

/// Renders the page.
///
/// # Errors
/// The organization has no model with this id.
pub async fn read(
    console_user: ConsoleUser<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let row = find(&data, &path).await?;
    page(&Page::of(&console_user, &data, &gateway, &row).await?)
}

/// Changes the model.
///
/// # Errors
/// The organization has no model with this id.
pub async fn change(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (console_user, typed) = (&form.console_user, FormValues::of(&form.fields));
    let data = store.organization(&console_user.tenant);
    let (before, seen) = (find(&data, &path).await?, seen(&typed.seen));
    let problems = match typed.read() {
        Err(problems) => problems,
        Ok(fields) => match data.model_change(before.id, seen, |model| *model = fields).await {
            Ok(None) => return Err(Error::absent(WHAT, before.id)),
            Ok(Some(after)) => {
                let said = format!("{} was saved. The change is in effect now.", after.name);
                return flash::redirect(console_user.request(), &format!("/models/{}", after.id), &said);
            }
            Err(Error::RevisionChanged { .. }) => {
                let now = find(&data, &path).await?;
                let conflict = Some(Conflict::of(&data, now.id.0, seen).await?);
                let typed = FormValues { seen: state(now.updated_at), ..typed };
                let page = Page::of(console_user, &data, &gateway, &now).await?;
                return page_with(409, &Page { conflict, typed, ..page });
            }
            Err(error) => Problems::of_refusal(error, "name", &[("provider_id", "")])?,
        },
    };
    page_with(422, &Page { problems, typed, ..Page::of(console_user, &data, &gateway, &before).await? })
}

/// Ends the cooldown in every process.
///
/// # Errors
/// The organization has no model with this id.
pub async fn end_cooldown(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let console_user = &form.console_user;
    let id: ModelId = path::id(WHAT, &path)?;
    let row = store.organization(&console_user.tenant).model_end_cooldown(id).await?;
    let row = row.ok_or_else(|| Error::absent(WHAT, &*path))?;
    let text = format!("The cooldown of {} has ended. The next request calls it.", row.name);
    flash::redirect(console_user.request(), &format!("/models/{}", row.id), &text)
}
