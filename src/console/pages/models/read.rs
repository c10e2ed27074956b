//! `/models/{id}`: a model as it is, where it is used, and a form that changes it.

use actix_web::{HttpResponse, web};
use askama::Template;
use entity::ids::ModelId;

use super::WHAT;
use super::facts::facts;
use super::form::{Known, Typed, to_change};
use super::line::{ModelLine, Value};
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
use crate::store::pagination::PageRequest;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{FilledModel, ModelRow, OrgStore, Store};

/// The most providers that a form lets choose from.
const MOST_PROVIDERS: u64 = 200;

#[derive(Template)]
#[template(path = "models/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) conflict: Option<Conflict>,
    pub(crate) typed: Typed,
    pub(crate) known: Known,
    pub(crate) providers: Vec<Choice>,
    pub(crate) line: ModelLine,
    pub(crate) facts: Vec<(String, Value)>,
    /// The day of the embedded table's facts; empty where it does not know the model.
    pub(crate) known_as_of: String,
    pub(crate) uses: Uses,
    pub(crate) created_at: Moment,
    pub(crate) updated_at: Moment,
    pub(crate) may_configure: bool,
}

/// Where a model is used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Uses {
    /// Whether it has fallbacks of its own.
    pub(crate) has_fallbacks: bool,
    /// The models that it stands behind: ids and names, by name.
    pub(crate) behind: Vec<(String, String)>,
    /// The keys whose list of models names it, by name.
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

    /// Do fallbacks keep it from being deleted?
    pub(crate) fn in_fallbacks(&self) -> bool {
        self.has_fallbacks || !self.behind.is_empty()
    }
}

impl Page {
    async fn of(
        visitor: &Visitor<impl Requires>,
        data: &OrgStore,
        gateway: &Gateway,
        row: &ModelRow,
    ) -> Result<Self> {
        let organization = &visitor.organization;
        let line = ModelLine::of(row, organization, &gateway.shared_state.cooldowns);
        let frame = Frame::of(visitor, &row.name, Lit::Models);
        let may_configure = visitor.may(Permission::Configure);
        let providers = if may_configure { choices(data).await? } else { Vec::new() };
        Ok(Self { providers, ..Self::with(frame, line, row, Uses::of(row, organization)) })
    }

    /// Where what is in force stands.
    fn path(&self) -> String {
        format!("/models/{}", self.line.id)
    }

    pub(crate) fn with(frame: Frame, line: ModelLine, row: &ModelRow, uses: Uses) -> Self {
        let filled = row.filled();
        let known = Known::of(&FilledModel::known(&row.provider_preset, &row.upstream_model));
        Self {
            problems: Problems::default(),
            conflict: None,
            typed: Typed::of_row(row),
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

/// The providers that a model can be served by.
pub(super) async fn choices(data: &OrgStore) -> Result<Vec<Choice>> {
    let page = data.provider_list(&PageRequest { limit: MOST_PROVIDERS, cursor: None }).await?;
    let choices = page.items.into_iter().map(|row| Choice { value: row.id.to_string(), label: row.name });
    let mut choices: Vec<Choice> = choices.collect();
    choices.sort_by(|one, other| one.label.cmp(&other.label));
    Ok(choices)
}

/// The model of the path.
pub(super) async fn find(data: &OrgStore, id: &str) -> Result<ModelRow> {
    let id: ModelId = path::id(WHAT, id)?;
    data.model_find(id).await?.ok_or_else(|| Error::absent(WHAT, id))
}

/// The page.
///
/// # Errors
/// The organization has no model of that id.
pub async fn read(
    visitor: Visitor<may::Read>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&visitor.tenant);
    let row = find(&data, &path).await?;
    page(&Page::of(&visitor, &data, &gateway, &row).await?)
}

/// Changes the model.
///
/// # Errors
/// The organization has no model of that id.
pub async fn change(
    form: Form<may::Configure>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (visitor, typed) = (&form.visitor, Typed::of(&form.fields));
    let data = store.organization(&visitor.tenant);
    let (before, seen) = (find(&data, &path).await?, seen(&typed.seen));
    let problems = match typed.read() {
        Err(problems) => problems,
        Ok(fields) => match data.model_change(before.id, to_change(fields, seen)).await {
            Ok(None) => return Err(Error::absent(WHAT, before.id)),
            Ok(Some(after)) => {
                let said = format!("{} is saved, and in force.", after.name);
                return flash::redirect(visitor.request(), &format!("/models/{}", after.id), &said);
            }
            Err(Error::RevisionChanged { .. }) => {
                let now = find(&data, &path).await?;
                let conflict = Some(Conflict::of(&data, now.id.0, seen).await?);
                let typed = Typed { seen: state(now.updated_at), ..typed };
                let page = Page::of(visitor, &data, &gateway, &now).await?;
                return page_with(409, &Page { conflict, typed, ..page });
            }
            Err(error) => Problems::of_refusal(error, "name", &[("provider_id", "")])?,
        },
    };
    page_with(422, &Page { problems, typed, ..Page::of(visitor, &data, &gateway, &before).await? })
}
