//! `/models/new`: a form, and what becomes of it. `?provider=` and `?upstream=` fill it, as the test of a provider's
//! connection does.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::form::{Known, Typed};
use super::read::choices;
use crate::auth::console::console_user::{Requires, Visitor, may};
use crate::console::components::layout::{Frame, Lit};
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
    pub(crate) typed: Typed,
    pub(crate) known: Known,
    pub(crate) providers: Vec<Choice>,
}

impl Page {
    async fn of(
        visitor: &Visitor<impl Requires>,
        data: &OrgStore,
        typed: Typed,
        problems: Problems,
    ) -> Result<Self> {
        let frame = Frame::of(visitor, "Add model", Lit::Models);
        let id = typed.provider_id.parse().ok();
        let provider = id.and_then(|id| visitor.organization.providers.get(&id));
        let upstream = if typed.upstream_model.is_empty() { &typed.name } else { &typed.upstream_model };
        let known = provider.map(|provider| FilledModel::known(provider.preset.name, upstream));
        let known = Known::of(&known.unwrap_or_default());
        let mut providers = choices(data).await?;
        if providers.len() != 1 {
            providers.insert(0, Choice::new("", "Choose a provider"));
        }
        Ok(Self { frame, problems, typed, known, providers })
    }
}

/// The form.
///
/// # Errors
/// The database cannot be read.
pub async fn read(
    visitor: Visitor<may::Configure>,
    request: HttpRequest,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let query = Query::parse(request.query_string());
    let upstream_model = query.text("upstream").unwrap_or_default();
    let typed = Typed {
        name: validation::model_name(&upstream_model).unwrap_or_default(),
        provider_id: query.text("provider").unwrap_or_default(),
        upstream_model,
        enabled: true,
        ..Typed::default()
    };
    let data = store.organization(&visitor.tenant);
    page(&Page::of(&visitor, &data, typed, Problems::default()).await?)
}

/// Adds the model.
///
/// # Errors
/// The database cannot be written.
pub async fn create(form: Form<may::Configure>, store: web::Data<Store>) -> Result<HttpResponse> {
    let (visitor, typed) = (&form.visitor, Typed::of(&form.fields));
    let data = store.organization(&visitor.tenant);
    let problems = match typed.read() {
        Err(problems) => problems,
        Ok(new) => match data.model_create(new).await {
            Ok(row) => {
                let said = format!("{} is added. Apps can ask for it now.", row.name);
                return flash::redirect(visitor.request(), &format!("/models/{}", row.id), &said);
            }
            Err(error) => Problems::of_refusal(error, "name", &[("provider_id", "")])?,
        },
    };
    page_with(422, &Page::of(visitor, &data, typed, problems).await?)
}
