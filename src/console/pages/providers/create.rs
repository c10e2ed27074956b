//! `/providers/new`: the form and its POST.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::form::{FormValues, kinds, stream_choices};
use super::kind_form::KindForm;
use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::time_range::Choice;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::query::Query;
use crate::console::http::responses::{page, page_with};
use crate::domain::error::Result;
use crate::gateway::Gateway;
use crate::store::Store;

#[derive(Template)]
#[template(path = "providers/create.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) typed: FormValues,
    pub(crate) kinds: Vec<Choice>,
    pub(crate) stream_choices: Vec<Choice>,
}

impl Page {
    fn of(console_user: &ConsoleUser<impl Requires>, typed: FormValues, problems: Problems) -> Self {
        let frame = Frame::of(console_user, "Add provider", NavigationItem::Providers);
        Self { frame, problems, typed, kinds: kinds(), stream_choices: stream_choices() }
    }

    /// The fields of the chosen kind.
    pub(crate) fn kind(&self) -> KindForm {
        KindForm::of(&self.typed.preset, "")
    }
}

/// Renders the form; the query parameter `kind` chooses its kind.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(console_user: ConsoleUser<may::Configure>) -> Result<HttpResponse> {
    let query = Query::parse(console_user.request().query_string());
    let preset = query.text("kind").unwrap_or_default();
    page(&Page::of(&console_user, FormValues { preset, ..FormValues::default() }, Problems::default()))
}

/// Creates the provider, or only shows the fields of the chosen kind.
///
/// # Errors
/// The database cannot be written.
pub async fn create(
    form: Form<may::Configure>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (console_user, typed) = (&form.console_user, FormValues::of(&form.fields));
    if form.fields.flag("look") {
        return page(&Page::of(console_user, typed, Problems::default()));
    }
    let problems = match typed.to_create(&form.fields, gateway.upstream.address_policy()) {
        Err(problems) => problems,
        Ok(new) => match store.organization(&console_user.tenant).provider_create(new).await {
            Ok(row) => {
                let said = format!("{} was added. Test its connection.", row.name);
                return flash::redirect(console_user.request(), &format!("/providers/{}", row.id), &said);
            }
            Err(error) => Problems::of_refusal(error, "name", &[])?,
        },
    };
    page_with(422, &Page::of(console_user, typed, problems))
}
