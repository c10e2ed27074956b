//! The budget form for the organization and for a key, and its handlers.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use entity::ids::ApiKeyId;

use super::form::{FormValues, Limits};
use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::http::flash;
use crate::console::http::forms::{Form, Problems};
use crate::console::http::path;
use crate::console::http::responses::{page, page_with};
use crate::domain::error::{Error, Result};
use crate::domain::period::Period;
use crate::gateway::Gateway;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{ApiKeyRow, BudgetChange, NewBudget, OrgStore, Store, UnpricedModels};

/// The resource's name in error messages.
const KEY: &str = "API key";

#[derive(Template)]
#[template(path = "budgets/change.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) typed: FormValues,
    pub(crate) of: BudgetTarget,
    /// Names of models without a price; empty if there are none.
    pub(crate) unpriced: String,
    /// Whether a hard limit skips models without a price.
    pub(crate) skips_unpriced: bool,
}

/// The owner of a budget.
#[derive(Debug, Clone)]
pub(crate) struct BudgetTarget {
    pub(crate) key: Option<ApiKeyId>,
    /// Path and label of the link back.
    pub(crate) back: (String, String),
    /// The owner, as part of a sentence.
    pub(crate) owner: String,
}

impl BudgetTarget {
    pub(crate) fn organization() -> Self {
        let back = ("/settings".to_owned(), "Settings".to_owned());
        Self { key: None, back, owner: "the organization".to_owned() }
    }

    pub(crate) fn key(row: &ApiKeyRow) -> Self {
        let back = (format!("/keys/{}", row.id), row.name.clone());
        Self { key: Some(row.id), back, owner: format!("the key “{}”", row.name) }
    }

    /// Target of the form.
    pub(crate) fn path(&self) -> String {
        format!("{}/budget", self.back.0)
    }

    async fn find(data: &OrgStore, id: &str) -> Result<Self> {
        let id: ApiKeyId = path::id(KEY, id)?;
        Ok(Self::key(&data.api_key_find(id).await?.ok_or_else(|| Error::absent(KEY, id))?))
    }
}

impl Page {
    fn of(
        console_user: &ConsoleUser<impl Requires>,
        of: BudgetTarget,
        typed: FormValues,
        problems: Problems,
    ) -> Self {
        let highlighted = if of.key.is_some() { NavigationItem::Keys } else { NavigationItem::Settings };
        let organization = &console_user.organization;
        Self {
            frame: Frame::of(console_user, "Budget", highlighted),
            problems,
            typed,
            of,
            unpriced: unpriced(organization),
            skips_unpriced: organization.settings.unpriced_models == UnpricedModels::Refuse,
        }
    }
}

/// Maximum number of models named.
const NAMED: usize = 8;

fn unpriced(organization: &OrganizationSnapshot) -> String {
    let models = organization.models.values().filter(|model| model.enabled && model.settings.price.is_none());
    let mut names: Vec<&str> = models.map(|model| &*model.name).collect();
    names.sort_unstable();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let named = names.join(", ");
    if more > 0 { format!("{named} and {more} more") } else { named }
}

/// Renders the form for the organization.
///
/// # Errors
/// The database cannot be read.
pub async fn read_own(
    console_user: ConsoleUser<may::ManageSettings>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let rows = store.organization(&console_user.tenant).budgets_of(None).await?;
    page(&Page::of(
        &console_user,
        BudgetTarget::organization(),
        FormValues::of_rows(&rows),
        Problems::default(),
    ))
}

/// Renders the form for a key.
///
/// # Errors
/// The organization has no key with this id.
pub async fn read_key(
    console_user: ConsoleUser<may::ManageKeys>,
    path: web::Path<String>,
    store: web::Data<Store>,
) -> Result<HttpResponse> {
    let data = store.organization(&console_user.tenant);
    let of = BudgetTarget::find(&data, &path).await?;
    let rows = data.budgets_of(of.key).await?;
    page(&Page::of(&console_user, of, FormValues::of_rows(&rows), Problems::default()))
}

/// Saves the organization's budgets.
///
/// # Errors
/// The database cannot be written.
pub async fn change_own(
    form: Form<may::ManageSettings>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.console_user.tenant);
    save(&form, &data, &gateway, BudgetTarget::organization()).await
}

/// Saves the budgets of a key.
///
/// # Errors
/// The organization has no key with this id.
pub async fn change_key(
    form: Form<may::ManageKeys>,
    path: web::Path<String>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let data = store.organization(&form.console_user.tenant);
    let of = BudgetTarget::find(&data, &path).await?;
    save(&form, &data, &gateway, of).await
}

async fn save<P: Requires>(
    form: &Form<P>,
    data: &OrgStore,
    gateway: &Gateway,
    of: BudgetTarget,
) -> Result<HttpResponse> {
    let (console_user, typed) = (&form.console_user, FormValues::of(&form.fields));
    let request: &HttpRequest = console_user.request();
    let limits = match typed.read() {
        Ok(limits) => limits,
        Err(problems) => return page_with(422, &Page::of(console_user, of, typed, problems)),
    };
    let mut changed = false;
    for limits in limits {
        match set(data, of.key, limits).await {
            Ok(done) => changed |= done,
            Err(error) => {
                let problems = Problems::of_refusal(error, "day_soft", &[])?;
                return page_with(422, &Page::of(console_user, of, typed, problems));
            }
        }
    }
    gateway
        .shared_state
        .spending
        .read(Some(data.organization_id()), Period::Month, data.spent_this_month())
        .await?;
    let success_message =
        if changed { "The budget was saved. It is in effect now." } else { "Nothing was changed." };
    flash::redirect(request, &of.back.0, success_message)
}

/// Creates, changes or deletes the budget of one period; returns whether anything changed.
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
