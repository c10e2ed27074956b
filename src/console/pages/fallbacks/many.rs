//! `/fallbacks/many`: gives many models the same general list at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use entity::ids::ModelId;

use super::labels::enumerate;
use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::format::counted;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::time_range::Choice;
use crate::console::http::flash;
use crate::console::http::forms::{Fields, Form, Problems};
use crate::console::http::query::Query;
use crate::console::http::responses::page_with;
use crate::console::pages::models::line::with_price;
use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::domain::operation::ModelKind;
use crate::gateway::request::chat_request::MAX_LIST;
use crate::store::snapshot::{ModelEntry, OrganizationSnapshot};
use crate::store::{FallbackFilter, FallbackRow, NOTHING_IN_FORCE, NewFallback, OrgStore, Store};

/// Maximum number of models that are changed at once.
const MOST: usize = 100;
/// Number of places for fallbacks, if the list is not longer.
const PLACES: usize = 5;
/// Names of the fields that can have problems, in form order.
const ORDER: [&str; 2] = ["fallback", "for"];

#[derive(Template)]
#[template(path = "fallbacks/many.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    /// Whether a list was changed by someone else after the page was opened.
    pub(crate) outdated: bool,
    /// Links that check other boxes: label, path, and whether it is the current choice.
    pub(crate) ways: Vec<(&'static str, String, bool)>,
    pub(crate) places: Vec<Place>,
    /// Names that can be typed.
    pub(crate) choices: Vec<Choice>,
    pub(crate) boxes: Vec<ModelBox>,
}

/// A field for one fallback.
pub(crate) struct Place {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) name: String,
}

/// A model that can be given the list.
pub(crate) struct ModelBox {
    pub(crate) name: String,
    /// Id of the model and revision of its list.
    pub(crate) value: String,
    /// Its provider, and what it falls back to now.
    pub(crate) about: String,
    pub(crate) ticked: bool,
}

/// The list, and the models that are to have it.
#[derive(Debug, Default)]
struct Draft {
    chain: Vec<String>,
    ticked: BTreeSet<ModelId>,
    /// The revisions that were shown.
    seen: BTreeMap<ModelId, i64>,
}

/// Renders the form. It begins with the list of the model `from`, and `tick` says which boxes are checked.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    console_user: ConsoleUser<may::Configure>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let query = Query::parse(request.query_string());
    let organization = &console_user.organization;
    let rows = general_lists(&store.organization(&console_user.tenant)).await?;
    let from = query.text("from").and_then(|id| organization.model(id.parse().ok()?));
    let own = from.and_then(|model| rows.iter().find(|row| *row.model == *model.name));
    let chain = own.map(|row| row.fallback_models.clone()).unwrap_or_default();
    let kind = from.map_or(ModelKind::Chat, |model| model.settings.kind);
    let tick = query.text("tick");
    let ticks = |model: &&Arc<ModelEntry>| match tick.as_deref() {
        Some("none") => false,
        Some("all") => model.settings.kind == kind,
        _ => model.settings.kind == kind && !rows.iter().any(|row| *row.model == *model.name),
    };
    let ticked = organization.models.values().filter(ticks).map(|model| model.id).collect();
    let draft = Draft { chain, ticked, seen: BTreeMap::new() };
    page_with(
        200,
        &Page { ways: ways(&query), ..Page::of(&console_user, &rows, &draft, Problems::default()) },
    )
}

/// Saves the list for all checked models, or for none.
///
/// # Errors
/// The database cannot be written.
pub async fn save(form: Form<may::Configure>, store: web::Data<Store>) -> Result<HttpResponse> {
    let console_user = &form.console_user;
    let data = store.organization(&console_user.tenant);
    let (draft, problems) = Draft::read(&form.fields, &console_user.organization);
    if !problems.is_empty() {
        let rows = general_lists(&data).await?;
        return page_with(422, &Page::of(console_user, &rows, &draft, problems));
    }
    match data.fallback_save(draft.lists(&console_user.organization)).await {
        Ok(changed) => flash::redirect(console_user.request(), "/fallbacks", &success_message(changed.len())),
        Err(Error::RevisionChanged { .. }) => {
            let rows = general_lists(&data).await?;
            let page = Page::of(console_user, &rows, &draft, Problems::default());
            page_with(409, &Page { outdated: true, ..page })
        }
        Err(error) => Err(error),
    }
}

async fn general_lists(data: &OrgStore) -> Result<Vec<FallbackRow>> {
    let filter = FallbackFilter { fallback_type: Some(FallbackType::General), model: None };
    data.fallback_list(&filter).await
}

fn success_message(changed: usize) -> String {
    match changed {
        0 => "Nothing was changed: these models have this list already.".to_owned(),
        changed => format!("Saved for {}. The next requests use it.", counted(changed, "model", "models")),
    }
}

fn ways(query: &Query) -> Vec<(&'static str, String, bool)> {
    let current = query.text("tick").unwrap_or_default();
    let way = |(label, word): (&'static str, &str)| {
        let path = query.with(&[("tick", Some(word).filter(|word| !word.is_empty()))]);
        (label, format!("/fallbacks/many{path}"), current == word)
    };
    [("Models without a list", ""), ("All models", "all"), ("No model", "none")].map(way).into()
}

impl Draft {
    fn read(fields: &Fields, organization: &OrganizationSnapshot) -> (Self, Problems) {
        let mut draft = Self::default();
        let mut problems = Problems::default();
        for name in fields.list("fallback").into_iter().map(str::trim).filter(|name| !name.is_empty()) {
            if !draft.chain.iter().any(|known| known == name) {
                draft.chain.push(name.to_owned());
            }
        }
        for value in fields.list("for") {
            let Some((id, revision)) = value.split_once(':') else { continue };
            let model = id.parse().ok().and_then(|id| organization.model(id));
            if let (Some(model), Ok(revision)) = (model, revision.parse()) {
                draft.ticked.insert(model.id);
                draft.seen.insert(model.id, revision);
            }
        }
        draft.check(organization, &mut problems);
        (draft, problems.in_order(&ORDER))
    }

    fn check(&self, organization: &OrganizationSnapshot, problems: &mut Problems) {
        if self.chain.is_empty() {
            problems.add("fallback", "Enter at least one fallback");
        }
        if self.chain.len() > MAX_LIST {
            problems.add("fallback", format!("A list has at most {MAX_LIST} fallbacks"));
        }
        let mut kinds: Vec<(&String, ModelKind)> = Vec::new();
        for name in &self.chain {
            match organization.models.get(name.as_str()) {
                Some(model) => kinds.push((name, model.settings.kind)),
                None => problems.add("fallback", format!("There is no model called “{name}”")),
            }
        }
        let first = kinds.first().copied();
        if let Some((first, kind)) = first
            && let Some((name, other)) = kinds.iter().find(|(_, other)| *other != kind)
        {
            let (one, two) = (kind.title(), other.title());
            problems.add(
                "fallback",
                format!("The model {first} is {one}, and {name} is {two}: a list has models of one kind"),
            );
        }
        if self.ticked.is_empty() {
            problems.add("for", "Check at least one model");
        }
        if self.ticked.len() > MOST {
            problems.add("for", format!("Check at most {MOST} models, and save the others after them"));
        }
        let unfit =
            self.models(organization).find(|model| first.is_some_and(|it| it.1 != model.settings.kind));
        if let Some(model) = unfit {
            let kind = model.settings.kind.title();
            problems.add(
                "for",
                format!("The model {} is {kind}, which these fallbacks cannot replace", model.name),
            );
        }
        if problems.is_empty() && self.lists(organization).is_empty() {
            problems.add("for", "A model is no fallback of itself. Check another one");
        }
    }

    /// The checked models, by name.
    fn models<'a>(
        &'a self,
        organization: &'a OrganizationSnapshot,
    ) -> impl Iterator<Item = &'a Arc<ModelEntry>> {
        let mut models: Vec<_> = self.ticked.iter().filter_map(|id| organization.model(*id)).collect();
        models.sort_by(|one, other| one.name.cmp(&other.name));
        models.into_iter()
    }

    /// The list of each model, without the model itself.
    fn lists(&self, organization: &OrganizationSnapshot) -> Vec<(NewFallback, i64)> {
        let list = |model: &Arc<ModelEntry>| {
            let others = self.chain.iter().filter(|name| ***name != *model.name);
            let new = NewFallback {
                model: model.name.to_string(),
                fallback_models: others.cloned().collect(),
                fallback_type: FallbackType::General,
                triggers: None,
            };
            let seen = self.seen.get(&model.id).copied().unwrap_or(NOTHING_IN_FORCE);
            // An empty list would delete the one that the model has.
            (!new.fallback_models.is_empty()).then_some((new, seen))
        };
        self.models(organization).filter_map(list).collect()
    }
}

impl Page {
    fn of(
        console_user: &ConsoleUser<impl Requires>,
        rows: &[FallbackRow],
        draft: &Draft,
        problems: Problems,
    ) -> Self {
        let frame = Frame::of(console_user, "The same fallbacks for many models", NavigationItem::Fallbacks);
        Self { problems, ..Self::with(frame, &console_user.organization, rows, &draft.chain, &draft.ticked) }
    }

    pub(crate) fn with(
        frame: Frame,
        organization: &OrganizationSnapshot,
        rows: &[FallbackRow],
        chain: &[String],
        ticked: &BTreeSet<ModelId>,
    ) -> Self {
        let mut models: Vec<_> = organization.models.values().collect();
        models.sort_by(|one, other| one.name.cmp(&other.name));
        let model_box = |model: &&Arc<ModelEntry>| {
            let row = rows.iter().find(|row| *row.model == *model.name);
            let now = row.map_or_else(|| "no list".to_owned(), |row| enumerate(&row.fallback_models));
            ModelBox {
                name: model.name.to_string(),
                value: format!("{}:{}", model.id.0, row.map_or(NOTHING_IN_FORCE, |row| row.revision)),
                about: format!("{}, now: {now}", model.provider.name),
                ticked: ticked.contains(&model.id),
            }
        };
        let place = |index: usize| Place {
            id: if index == 0 { "fallback".to_owned() } else { format!("fallback-{}", index + 1) },
            label: format!("Fallback {}", index + 1),
            name: chain.get(index).cloned().unwrap_or_default(),
        };
        Self {
            frame,
            problems: Problems::default(),
            outdated: false,
            ways: Vec::new(),
            places: (0..PLACES.max(chain.len())).map(place).collect(),
            choices: models
                .iter()
                .map(|model| Choice::new(&model.name, &with_price(&model.name, model)))
                .collect(),
            boxes: models.iter().map(model_box).collect(),
        }
    }
}
