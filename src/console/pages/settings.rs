//! `/settings`: the organization's limits and modes, with a form that changes them.

use std::ops::RangeInclusive;

use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::Value;

use crate::auth::console::console_user::{ConsoleUser, Requires, may};
use crate::console::components::budget_summary;
use crate::console::components::budget_summary::BudgetLine;
use crate::console::components::edit_conflict::Conflict;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::number_input::limits::{LimitInputs, listed};
use crate::console::components::number_input::{plain, scaled, whole};
use crate::console::components::time_range::Choice;
use crate::console::http::flash;
use crate::console::http::forms::{Fields, Form, Problems};
use crate::console::http::responses::{page, page_with};
use crate::domain::error::{Error, Result};
use crate::domain::permission::Permission;
use crate::domain::plural::plural;
use crate::gateway::Gateway;
use crate::store::{OrgStore, OrganizationSettings, Store, TypedFallbacks, UnpricedModels};

/// Up to the maximum length of a fallback list.
const MAX_FALLBACKS: RangeInclusive<i64> = 0..=32;
/// Milliseconds, from one second to one hour.
const DEADLINE: RangeInclusive<i64> = 1_000..=3_600_000;
/// Milliseconds, up to ten minutes; 0 disables it.
const KEEPALIVE: RangeInclusive<i64> = 0..=600_000;
/// Days, up to ten years; 0 means forever.
const RETENTION: RangeInclusive<i64> = 0..=3_650;
/// Decimals of a second.
const SECOND: usize = 3;

/// The values of the form.
#[derive(Debug, Clone)]
pub(crate) struct FormValues {
    /// The settings that the form was rendered for, as JSON.
    pub(crate) seen: String,
    pub(crate) max_fallbacks: String,
    pub(crate) deadline: String,
    pub(crate) keepalive: String,
    pub(crate) typed_fallbacks: String,
    pub(crate) unpriced_models: String,
    pub(crate) retention: String,
    /// The limits of all keys of the organization together.
    pub(crate) limits: LimitInputs,
}

#[derive(Template)]
#[template(path = "settings/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) conflict: Option<Conflict>,
    pub(crate) typed: FormValues,
    pub(crate) modes: Vec<Choice>,
    pub(crate) unpriced_choices: Vec<Choice>,
    pub(crate) may_change: bool,
    pub(crate) budgets: Vec<BudgetLine>,
}

impl Page {
    fn of(
        console_user: &ConsoleUser<impl Requires>,
        gateway: &Gateway,
        typed: FormValues,
        problems: Problems,
    ) -> Self {
        let (spending, now) = (&gateway.shared_state.spending, gateway.clock.now());
        let frame = Frame::of(console_user, "Settings", NavigationItem::Settings);
        let budgets = budget_summary::lines(&console_user.organization, None, spending, now);
        Self { budgets, ..Self::with(frame, typed, problems) }
    }

    pub(crate) fn with(frame: Frame, typed: FormValues, problems: Problems) -> Self {
        let modes = vec![
            Choice::new("cascade", "Cascade: then the general list"),
            Choice::new("strict", "Strict: then no other model"),
        ];
        let unpriced_choices = vec![
            Choice::new("refuse", "Skip them"),
            Choice::new("allow", "Call them until the budget is exhausted"),
        ];
        let may_change = frame.person.as_ref().is_some_and(|person| person.may(Permission::ManageSettings));
        let (conflict, budgets) = (None, Vec::new());
        Self { frame, problems, conflict, typed, modes, unpriced_choices, may_change, budgets }
    }

    /// A number in a field with its unit: `1 day`, `1.5 seconds`.
    pub(crate) fn with_unit(&self, typed: &str, one: &str, many: &str) -> String {
        format!("{typed} {}", plural(typed.parse().unwrap_or_default(), one, many))
    }

    /// Label of the current mode.
    pub(crate) fn mode(&self) -> &str {
        label(&self.modes, &self.typed.typed_fallbacks)
    }

    /// Label of what happens to models without a price.
    pub(crate) fn unpriced(&self) -> &str {
        label(&self.unpriced_choices, &self.typed.unpriced_models)
    }

    /// The limits of all keys together, in words.
    pub(crate) fn limits(&self) -> String {
        let limits = listed(&self.typed.limits.read(&mut Problems::default()));
        if limits.is_empty() { "none".to_owned() } else { limits }
    }
}

fn label<'a>(choices: &'a [Choice], value: &str) -> &'a str {
    choices.iter().find(|choice| choice.value == value).map_or("", |choice| &choice.label)
}

impl FormValues {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().to_owned();
        Self {
            seen: text("seen"),
            max_fallbacks: text("max_fallbacks"),
            deadline: text("deadline"),
            keepalive: text("keepalive"),
            typed_fallbacks: text("typed_fallbacks"),
            unpriced_models: text("unpriced_models"),
            retention: text("retention"),
            limits: LimitInputs::of(fields),
        }
    }

    pub(crate) fn of_settings(settings: &OrganizationSettings) -> Self {
        let seconds = |number: u64| plain(i64::try_from(number).unwrap_or(i64::MAX), SECOND);
        let mode = match settings.typed_fallbacks {
            TypedFallbacks::Cascade => "cascade",
            TypedFallbacks::Strict => "strict",
        };
        let unpriced = match settings.unpriced_models {
            UnpricedModels::Refuse => "refuse",
            UnpricedModels::Allow => "allow",
        };
        Self {
            seen: serde_json::to_string(settings).unwrap_or_default(),
            max_fallbacks: settings.max_fallbacks.to_string(),
            deadline: seconds(settings.deadline_ms),
            keepalive: seconds(settings.keepalive_after_ms),
            typed_fallbacks: mode.to_owned(),
            unpriced_models: unpriced.to_owned(),
            retention: settings.retention_days.to_string(),
            limits: LimitInputs::of_limits(&settings.limits),
        }
    }

    /// Parses the settings. An empty field means the default. Limits of models are not in the form.
    fn read(&self) -> Result<OrganizationSettings, Problems> {
        let (mut problems, default) = (Problems::default(), OrganizationSettings::default());
        let says = |what: &str, expected: String| format!("The {what} {expected}");
        let most = whole(&self.max_fallbacks, &MAX_FALLBACKS);
        let most = problems.check("max_fallbacks", most.map_err(|it| says("number of fallbacks", it)));
        let deadline = scaled(&self.deadline, SECOND, &DEADLINE);
        let deadline = problems.check("deadline", deadline.map_err(|it| says("deadline", it)));
        let keepalive = scaled(&self.keepalive, SECOND, &KEEPALIVE);
        let keepalive = problems.check("keepalive", keepalive.map_err(|it| says("waiting time", it)));
        let retention = whole(&self.retention, &RETENTION);
        let retention = problems.check("retention", retention.map_err(|it| says("number of days", it)));
        let mode = match self.typed_fallbacks.as_str() {
            "strict" => TypedFallbacks::Strict,
            "cascade" | "" => TypedFallbacks::Cascade,
            _ => {
                problems.add("typed_fallbacks", "Choose one of the two.");
                TypedFallbacks::Cascade
            }
        };
        let unpriced_models = match self.unpriced_models.as_str() {
            "allow" => UnpricedModels::Allow,
            "refuse" | "" => UnpricedModels::Refuse,
            _ => {
                problems.add("unpriced_models", "Choose one of the two.");
                UnpricedModels::Refuse
            }
        };
        let limits = self.limits.read(&mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let milliseconds = |read: Option<Option<i64>>, default| {
            read.flatten().and_then(|number| u64::try_from(number).ok()).unwrap_or(default)
        };
        let days = retention.flatten().and_then(|number| u32::try_from(number).ok());
        let most = most.flatten().and_then(|number| u32::try_from(number).ok());
        Ok(OrganizationSettings {
            max_fallbacks: most.unwrap_or(default.max_fallbacks),
            deadline_ms: milliseconds(deadline, default.deadline_ms),
            keepalive_after_ms: milliseconds(keepalive, default.keepalive_after_ms),
            typed_fallbacks: mode,
            unpriced_models,
            retention_days: days.unwrap_or(default.retention_days),
            limits,
            model_limits: default.model_limits,
        })
    }
}

/// Renders the page.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(console_user: ConsoleUser<may::Read>, gateway: web::Data<Gateway>) -> Result<HttpResponse> {
    let typed = FormValues::of_settings(&console_user.organization.settings);
    page(&Page::of(&console_user, &gateway, typed, Problems::default()))
}

/// Saves the settings.
///
/// # Errors
/// The database cannot be written.
pub async fn change(
    form: Form<may::ManageSettings>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (console_user, typed) = (&form.console_user, FormValues::of(&form.fields));
    match typed.read() {
        Err(problems) => page_with(422, &Page::of(console_user, &gateway, typed, problems)),
        Ok(mut settings) => {
            let data = store.organization(&console_user.tenant);
            let seen: Option<OrganizationSettings> = serde_json::from_str(&typed.seen).ok();
            let current = seen.as_ref().unwrap_or(&console_user.organization.settings);
            settings.model_limits = current.model_limits.clone();
            match data.settings_set(&settings, seen.as_ref()).await {
                Ok(changed) => {
                    let success_message = if changed {
                        "The settings were saved. They are in effect now."
                    } else {
                        "Nothing was changed."
                    };
                    flash::redirect(console_user.request(), "/settings", success_message)
                }
                Err(Error::RevisionChanged { .. }) => {
                    show_conflict(console_user, &gateway, &store, &data, typed).await
                }
                Err(error) => Err(error),
            }
        }
    }
}

/// Renders the form after someone else changed the settings.
async fn show_conflict(
    console_user: &ConsoleUser<may::ManageSettings>,
    gateway: &Gateway,
    store: &Store,
    data: &OrgStore,
    typed: FormValues,
) -> Result<HttpResponse> {
    let organization = store.snapshots().organization(console_user.organization.id).ok_or(Error::NotReady)?;
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let now = FormValues::of_settings(&organization.settings).seen;
    let conflict = Some(Conflict::of_settings(data, &json(&typed.seen), &json(&now)).await?);
    let page = Page::of(console_user, gateway, FormValues { seen: now, ..typed }, Problems::default());
    page_with(409, &Page { conflict, ..page })
}
