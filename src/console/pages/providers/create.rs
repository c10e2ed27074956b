//! `/providers/new`: a form, and what becomes of it.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::form::{Typed, kinds, stream_choices};
use crate::auth::console::console_user::{Requires, Visitor, may};
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::time_range::Choice;
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::responses::{page, page_with};
use crate::domain::error::Result;
use crate::gateway::Gateway;
use crate::store::Store;

#[derive(Template)]
#[template(path = "providers/create.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) typed: Typed,
    pub(crate) kinds: Vec<Choice>,
    pub(crate) stream_choices: Vec<Choice>,
}

impl Page {
    fn of(visitor: &Visitor<impl Requires>, typed: Typed, problems: Problems) -> Self {
        let frame = Frame::of(visitor, "Add provider", Lit::Providers);
        Self { frame, problems, typed, kinds: kinds(), stream_choices: stream_choices() }
    }
}

/// The form.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(visitor: Visitor<may::Configure>) -> Result<HttpResponse> {
    page(&Page::of(&visitor, Typed::default(), Problems::default()))
}

/// Adds the provider.
///
/// # Errors
/// The database cannot be written.
pub async fn create(
    form: Form<may::Configure>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (visitor, typed) = (&form.visitor, Typed::of(&form.fields));
    let problems = match typed.to_create(&form.fields, gateway.upstream.address_policy()) {
        Err(problems) => problems,
        Ok(new) => match store.organization(&visitor.tenant).provider_create(new).await {
            Ok(row) => {
                let said = format!("{} is added. Test its connection.", row.name);
                return flash::redirect(visitor.request(), &format!("/providers/{}", row.id), &said);
            }
            Err(error) => Problems::of_refusal(error, "name", &[])?,
        },
    };
    page_with(422, &Page::of(visitor, typed, problems))
}
