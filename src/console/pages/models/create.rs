//! `/models/new`: the form and its POST. The query parameters `provider` and `upstream` prefill it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::form::{BuiltInValues, FormValues};
use super::read::choices;
use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::time_range::Choice;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::query::Query;
use crate::console::http::responses::{page, page_with};
use crate::domain::error::Result;
use crate::store::{FilledModel, OrgStore, Store};
use crate::validation;

#[derive(Template)]
#[template(path = "models/create.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) typed: FormValues,
    pub(crate) known: BuiltInValues,
    pub(crate) providers: Vec<Choice>,
}

impl Page {
    async fn of(
        console_user: &ConsoleUser<impl Requires>,
        data: &OrgStore,
        typed: FormValues,
        problems: Problems,
    ) -> Result<Self> {
        let frame = Frame::of(console_user, "Add model", NavigationItem::Models);
        let id = typed.provider_id.parse().ok();
        let provider = id.and_then(|id| console_user.organization.providers.get(&id));
        let upstream = if typed.upstream_model.is_empty() { &typed.name } else { &typed.upstream_model };
        let known = provider.map(|provider| FilledModel::known(provider.preset.name, upstream));
        let known = BuiltInValues::of(&known.unwrap_or_default());
        let mut providers = choices(data).await?;
        if providers.len() != 1 {
            providers.insert(0, Choice::new("", "Choose a provider"));
        }
        Ok(Self { frame, problems, typed, known, providers })
    }
}

/// Renders the form.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    console_user: ConsoleUser<may::Configure>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let query = Query::parse(request.query_string());
    let upstream_model = query.text("upstream").unwrap_or_default();
    let typed = FormValues {
        name: validation::model_name(&upstream_model).unwrap_or_default(),
        provider_id: query.text("provider").unwrap_or_default(),
        upstream_model,
        enabled: true,
        ..FormValues::default()
    };
    let data = store.organization(&console_user.tenant);
    page(&Page::of(&console_user, &data, typed, Problems::default()).await?)
}

/// Creates the model.
///
/// # Errors
/// The database cannot be written.
pub async fn create(form: Form<may::Configure>, store: web::Data<Store>) -> Result<HttpResponse> {
    let (console_user, typed) = (&form.console_user, FormValues::of(&form.fields));
    let data = store.organization(&console_user.tenant);
    let problems = match typed.read() {
        Err(problems) => problems,
        Ok(new) => match data.model_create(new).await {
            Ok(row) => {
                let said = format!("{} was added. Apps can request it now.", row.name);
                return flash::redirect(console_user.request(), &format!("/models/{}", row.id), &said);
            }
            Err(error) => Problems::of_refusal(error, "name", &[("provider_id", "")])?,
        },
    };
    page_with(422, &Page::of(console_user, &data, typed, problems).await?)
}
