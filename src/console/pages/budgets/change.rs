//! The form, for the organization and for a key, and what is saved of it.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use entity::ids::ApiKeyId;

use super::form::{Limits, Typed};
use crate::auth::console::console_user::{Requires, Visitor, may};
use crate::console::components::layout::{Frame, Lit};
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::path;
use crate::console::http::responses::{page, page_with};
use crate::domain::error::{Error, Result};
use crate::domain::period::Period;
use crate::gateway::Gateway;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{ApiKeyRow, BudgetChange, NewBudget, OrgStore, Store};

/// What a key is called in messages.
const KEY: &str = "API key";

#[derive(Template)]
#[template(path = "budgets/change.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) typed: Typed,
    pub(crate) of: Of,
    /// The models that no limit holds, for want of a price. Empty: there are none.
    pub(crate) unpriced: String,
}

/// Whose budget it is.
#[derive(Debug, Clone)]
pub(crate) struct Of {
    pub(crate) key: Option<ApiKeyId>,
    /// The way back, and its name.
    pub(crate) back: (String, String),
    /// In the middle of a sentence.
    pub(crate) whose: String,
}

impl Of {
    pub(crate) fn organization() -> Self {
        let back = ("/settings".to_owned(), "Settings".to_owned());
        Self { key: None, back, whose: "the organisation".to_owned() }
    }

    pub(crate) fn key(row: &ApiKeyRow) -> Self {
        let back = (format!("/keys/{}", row.id), row.name.clone());
        Self { key: Some(row.id), back, whose: format!("the key “{}”", row.name) }
    }

    /// Where the form is sent to.
    pub(crate) fn path(&self) -> String {
        format!("{}/budget", self.back.0)
    }

    async fn find(data: &OrgStore, id: &str) -> Result<Self> {
        let id: ApiKeyId = path::id(KEY, id)?;
        Ok(Self::key(&data.api_key_find(id).await?.ok_or_else(|| Error::absent(KEY, id))?))
    }
}

impl Page {
    fn of(visitor: &Visitor<impl Requires>, of: Of, typed: Typed, problems: Problems) -> Self {
        let lit = if of.key.is_some() { Lit::Keys } else { Lit::Settings };
        let unpriced = unpriced(&visitor.organization);
        Self { frame: Frame::of(visitor, "Budget", lit), problems, typed, of, unpriced }
    }
}

/// The most models that are named.
const NAMED: usize = 8;

fn unpriced(organization: &OrganizationSnapshot) -> String {
    let models = organization.models.values().filter(|model| model.enabled && model.price.is_none());
    let mut names: Vec<&str> = models.map(|model| &*model.name).collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let named = names.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

/// The organization's.
///
/// # Errors
/// The database cannot be read.
pub async fn read_own(
    visitor: Visitor<may::ManageSettings>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let rows = store.organization(&visitor.tenant).budgets_of(None).await?;
    page(&Page::of(&visitor, Of::organization(), Typed::of_rows(&rows), Problems::default()))
}

/// A key's.
///
/// # Errors
/// The organization has no key of that id.
pub async fn read_key(
    visitor: Visitor<may::ManageKeys>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&visitor.tenant);
    let of = Of::find(&data, &path).await?;
    let rows = data.budgets_of(of.key).await?;
    page(&Page::of(&visitor, of, Typed::of_rows(&rows), Problems::default()))
}

/// Saves the organization's.
///
/// # Errors
/// The database cannot be written.
pub async fn change_own(
    form: Form<may::ManageSettings>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.visitor.tenant);
    save(&form, &data, &gateway, Of::organization()).await
}

/// Saves a key's.
///
/// # Errors
/// The organization has no key of that id.
pub async fn change_key(
    form: Form<may::ManageKeys>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.visitor.tenant);
    let of = Of::find(&data, &path).await?;
    save(&form, &data, &gateway, of).await
}

async fn save<P: Requires>(
    form: &Form<P>,
    data: &OrgStore,
    gateway: &Gateway,
    of: Of,
) -> Result<HttpResponse> {
    let (visitor, typed) = (&form.visitor, Typed::of(&form.fields));
    let request: &HttpRequest = visitor.request();
    let limits = match typed.read() {
        Ok(limits) => limits,
        Err(problems) => return page_with(422, &Page::of(visitor, of, typed, problems)),
    };
    let mut changed = false;
    for limits in limits {
        match set(data, of.key, limits).await {
            Ok(done) => changed |= done,
            Err(error) => {
                let problems = Problems::of_refusal(error, "day_soft", &[])?;
                return page_with(422, &Page::of(visitor, of, typed, problems));
            }
        }
    }
    gateway
        .shared_state
        .spending
        .read(Some(data.organization_id()), Period::Month, data.spent_this_month())
        .await?;
    let said = if changed { "The budget is saved, and in force." } else { "Nothing was changed." };
    flash::redirect(request, &of.back.0, said)
}

/// Makes, changes or deletes the budget of one period; false if it is so already.
async fn set(data: &OrgStore, key: Option<ApiKeyId>, limits: Limits) -> Result<bool> {
    let Limits { period, soft, hard } = limits;
    let known = data.budgets_of(key).await?.into_iter().find(|row| row.period == period);
    match known {
        None if soft.is_none() && hard.is_none() => return Ok(false),
        None => {
            let new = NewBudget {
                api_key_id: key,
                period,
                soft_limit_nano_dollars: soft,
                hard_limit_nano_dollars: hard,
            };
            data.budget_create(new).await?;
        }
        Some(row) if (row.soft_limit_nano_dollars, row.hard_limit_nano_dollars) == (soft, hard) => {
            return Ok(false);
        }
        Some(row) if soft.is_none() && hard.is_none() => {
            data.budget_delete(row.id).await?;
        }
        Some(row) => {
            let to =
                BudgetChange { soft_limit_nano_dollars: Some(soft), hard_limit_nano_dollars: Some(hard) };
            data.budget_change(row.id, to).await?;
        }
    }
    Ok(true)
}
