//! `/settings`: the organization's limits and modes, and a form that changes them.

use std::ops::RangeInclusive;

use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::Value;

use crate::auth::console::console_user::{Requires, Visitor, may};
use crate::console::components::budget_summary;
use crate::console::components::budget_summary::BudgetLine;
use crate::console::components::edit_conflict::Conflict;
use crate::console::components::layout::{Frame, Lit};
use crate::console::components::number_input::{plain, scaled, whole};
use crate::console::components::time_range::Choice;
use crate::console::http::flash;
use crate::console::http::forms::{Fields, Form, Problems};
use crate::console::http::responses::{page, page_with};
use crate::domain::error::{Error, Result};
use crate::domain::permission::Permission;
use crate::gateway::Gateway;
use crate::store::{OrgStore, OrganizationSettings, Store, TypedFallbacks};

/// As many as a list of fallbacks may name.
const MAX_FALLBACKS: RangeInclusive<i64> = 0..=32;
/// Milliseconds, from a second to an hour.
const DEADLINE: RangeInclusive<i64> = 1_000..=3_600_000;
/// Milliseconds, up to ten minutes; 0 is never.
const KEEPALIVE: RangeInclusive<i64> = 0..=600_000;
/// Days, up to ten years; 0 is for ever.
const RETENTION: RangeInclusive<i64> = 0..=3_650;
/// Digits of a second.
const SECOND: usize = 3;

/// What was typed, or what holds.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    /// The settings that the form was made for, as JSON.
    pub(crate) seen: String,
    pub(crate) max_fallbacks: String,
    pub(crate) deadline: String,
    pub(crate) keepalive: String,
    pub(crate) typed_fallbacks: String,
    pub(crate) retention: String,
}

#[derive(Template)]
#[template(path = "settings/read.html")]
pub(crate) struct Page {
    pub(crate) frame: Frame,
    pub(crate) problems: Problems,
    pub(crate) conflict: Option<Conflict>,
    pub(crate) typed: Typed,
    pub(crate) modes: Vec<Choice>,
    pub(crate) may_change: bool,
    pub(crate) budgets: Vec<BudgetLine>,
}

impl Page {
    fn of(visitor: &Visitor<impl Requires>, gateway: &Gateway, typed: Typed, problems: Problems) -> Self {
        let (spending, now) = (&gateway.shared_state.spending, gateway.clock.now());
        let frame = Frame::of(visitor, "Settings", Lit::Settings);
        let budgets = budget_summary::lines(&visitor.organization, None, spending, now);
        Self { budgets, ..Self::with(frame, typed, problems) }
    }

    pub(crate) fn with(frame: Frame, typed: Typed, problems: Problems) -> Self {
        let modes = vec![
            Choice::new("cascade", "Cascade: then the general list"),
            Choice::new("strict", "Strict: then nobody, once any list of that type exists"),
        ];
        let may_change = frame.person.as_ref().is_some_and(|person| person.may(Permission::ManageSettings));
        Self { frame, problems, conflict: None, typed, modes, may_change, budgets: Vec::new() }
    }

    /// The mode that holds, as it is read.
    pub(crate) fn mode(&self) -> &str {
        let chosen = self.modes.iter().find(|mode| mode.value == self.typed.typed_fallbacks);
        chosen.map_or("", |mode| &mode.label)
    }
}

impl Typed {
    fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().to_owned();
        Self {
            seen: text("seen"),
            max_fallbacks: text("max_fallbacks"),
            deadline: text("deadline"),
            keepalive: text("keepalive"),
            typed_fallbacks: text("typed_fallbacks"),
            retention: text("retention"),
        }
    }

    pub(crate) fn of_settings(settings: &OrganizationSettings) -> Self {
        let seconds = |number: u64| plain(i64::try_from(number).unwrap_or(i64::MAX), SECOND);
        let mode = match settings.typed_fallbacks {
            TypedFallbacks::Cascade => "cascade",
            TypedFallbacks::Strict => "strict",
        };
        Self {
            seen: serde_json::to_string(settings).unwrap_or_default(),
            max_fallbacks: settings.max_fallbacks.to_string(),
            deadline: seconds(settings.deadline_ms),
            keepalive: seconds(settings.keepalive_after_ms),
            typed_fallbacks: mode.to_owned(),
            retention: settings.retention_days.to_string(),
        }
    }

    /// The settings of these fields. An empty field has its default.
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
            retention_days: days.unwrap_or(default.retention_days),
        })
    }
}

/// The page.
///
/// # Errors
/// The template cannot be rendered.
pub async fn read(visitor: Visitor<may::Read>, gateway: web::Data<Gateway>) -> Result<HttpResponse> {
    let typed = Typed::of_settings(&visitor.organization.settings);
    page(&Page::of(&visitor, &gateway, typed, Problems::default()))
}

/// Changes the settings.
///
/// # Errors
/// The database cannot be written.
pub async fn change(
    form: Form<may::ManageSettings>,
    store: web::Data<Store>,
    gateway: web::Data<Gateway>,
) -> Result<HttpResponse> {
    let (visitor, typed) = (&form.visitor, Typed::of(&form.fields));
    match typed.read() {
        Err(problems) => page_with(422, &Page::of(visitor, &gateway, typed, problems)),
        Ok(settings) => {
            let data = store.organization(&visitor.tenant);
            let seen: Option<OrganizationSettings> = serde_json::from_str(&typed.seen).ok();
            match data.settings_set(&settings, seen.as_ref()).await {
                Ok(changed) => {
                    let said = if changed {
                        "The settings are saved, and in force."
                    } else {
                        "Nothing was changed."
                    };
                    flash::redirect(visitor.request(), "/settings", said)
                }
                Err(Error::RevisionChanged { .. }) => outrun(visitor, &gateway, &store, &data, typed).await,
                Err(error) => Err(error),
            }
        }
    }
}

/// Somebody else was faster.
async fn outrun(
    visitor: &Visitor<may::ManageSettings>,
    gateway: &Gateway,
    store: &Store,
    data: &OrgStore,
    typed: Typed,
) -> Result<HttpResponse> {
    let organization = store.directory().organization(visitor.organization.id).ok_or(Error::NotReady)?;
    let json = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let now = Typed::of_settings(&organization.settings).seen;
    let conflict = Some(Conflict::of_settings(data, &json(&typed.seen), &json(&now)).await?);
    let page = Page::of(visitor, gateway, Typed { seen: now, ..typed }, Problems::default());
    page_with(409, &Page { conflict, ..page })
}
