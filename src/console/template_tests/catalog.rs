//! Sample pages of the configuration: providers, models, keys.

use chrono::TimeDelta;
use entity::ids::{ApiKeyId, AuditEntryId, ModelId, OrganizationId, ProviderId, UserId};
use serde_json::json;
use uuid::Uuid;

use super::rows::now;
use super::{frame, organization};
use crate::console::components::budget_summary::BudgetLine;
use crate::console::components::layout::{Frame, NavigationItem};
use crate::console::components::pagination::Pagination;
use crate::console::components::time_range::Choice;
use crate::console::http::forms::Problems;
use crate::console::pages::{audit, budgets, docs, keys, members, models, providers, settings};
use crate::domain::clock::Clock;
use crate::domain::permission::Role;
use crate::gateway::routing::cooldown::Cooldowns;
use crate::providers::{Capabilities, ModelPrice, StreamOptions};
use crate::store::{
    ApiKeyRow, AuditRow, FilledModel, MemberRow, ModelLimits, ModelRow, ModelSettings, OrganizationSettings,
    OutstandingLinks, ProviderLimits, ProviderRow,
};

fn provider(number: u128) -> ProviderRow {
    let failing = number == 2;
    ProviderRow {
        id: ProviderId(Uuid::from_u128(number)),
        name: ["Simulated", "OpenAI, EU account", "Groq"][number as usize % 3].to_owned(),
        preset: ["simulated", "openai", "groq"][number as usize % 3].to_owned(),
        base_url: None,
        has_credential: number > 0,
        credential_hint: (number > 0).then(|| "x7Qa".to_owned()),
        health: ["unknown", "ok", "failing"][number as usize % 3].to_owned(),
        stream_options: StreamOptions::Auto,
        limits: ProviderLimits { requests_per_minute: failing.then_some(500), tokens_per_minute: None },
        health_message: failing.then(|| "Invalid API Key".to_owned()),
        health_at: Some(now() - TimeDelta::hours(3)),
        created_at: now() - TimeDelta::days(9),
        updated_at: now() - TimeDelta::hours(3),
    }
}

fn model(number: u128) -> ModelRow {
    let known = number.is_multiple_of(2);
    ModelRow {
        id: ModelId(Uuid::from_u128(number)),
        name: ["gpt-4o", "llama-70b", "gpt-4o-mini"][number as usize % 3].to_owned(),
        provider_id: ProviderId(Uuid::from_u128(1)),
        provider_preset: "openai".to_owned(),
        upstream_model: ["gpt-4o", "meta/llama-3.3-70b", "gpt-4o-mini"][number as usize % 3].to_owned(),
        settings: ModelSettings {
            context_window: (!known).then_some(131_072),
            capabilities: Capabilities { tools: (!known).then_some(true), ..Capabilities::default() },
            price: (!known).then(|| ModelPrice {
                input: Some(590_000),
                output: Some(790_000),
                ..ModelPrice::default()
            }),
            answer_timeout_ms: Some(90_000),
            ..ModelSettings::default()
        },
        enabled: number != 2,
        created_at: now() - TimeDelta::days(8),
        updated_at: now() - TimeDelta::days(1),
    }
}

fn key(number: u128) -> ApiKeyRow {
    ApiKeyRow {
        id: ApiKeyId(Uuid::from_u128(number)),
        name: ["production", "batch jobs", "laptop of Ada"][number as usize % 3].to_owned(),
        prefix: "fsk_Ab3d".to_owned(),
        last_four: "x7Qa".to_owned(),
        scopes: vec!["inference".to_owned(), "router:read".to_owned()],
        models: (number == 1).then(|| vec!["gpt-4o".to_owned(), "llama-70b".to_owned()]),
        requests_per_minute: (number == 1).then_some(600),
        concurrent_requests: None,
        requests_per_day: None,
        tokens_per_minute: (number == 1).then_some(90_000),
        tokens_per_day: None,
        model_limits: ModelLimits::default(),
        expires_at: (number == 0).then(|| now() + TimeDelta::days(30)),
        created_by: None,
        created_at: now() - TimeDelta::days(7),
        updated_at: now() - TimeDelta::days(7),
        last_used_at: Some(now() - TimeDelta::minutes(2)),
        revoked_at: (number == 2).then(|| now() - TimeDelta::days(2)),
    }
}

fn entry(number: u128) -> AuditRow {
    let states = [
        (
            json!({"fallback_models": ["gpt-4o-mini"]}),
            json!({"fallback_models": ["claude-sonnet", "gpt-4o-mini"]}),
        ),
        (
            json!(null),
            json!({"name": "llama-70b", "enabled": true, "context_window": 131_072, "num_retries": 1, "upstream_model": "x", "max_output_tokens": 9}),
        ),
    ];
    let (before, after) = states[number as usize % 2].clone();
    AuditRow {
        id: AuditEntryId(Uuid::from_u128(number)),
        organization_id: OrganizationId(Uuid::from_u128(1)),
        actor_kind: if number.is_multiple_of(2) { "user" } else { "api_key" }.to_owned(),
        actor_id: None,
        actor_label: if number.is_multiple_of(2) { "ada@acme.test" } else { "terraform" }.to_owned(),
        action: if number.is_multiple_of(2) { "fallback.set" } else { "model.create" }.to_owned(),
        resource_kind: if number.is_multiple_of(2) { "fallback" } else { "model" }.to_owned(),
        resource_id: None,
        resource_name: if number.is_multiple_of(2) { "gpt-4o" } else { "llama-70b" }.to_owned(),
        before: Some(before),
        after: Some(after),
        request_id: None,
        created_at: now() - TimeDelta::minutes(i64::try_from(number * 31).unwrap_or(0)),
    }
}

fn member(title: &str, highlighted: NavigationItem) -> Frame {
    let mut frame = frame(title, highlighted);
    if let Some(person) = frame.person.as_mut() {
        person.role = Role::Member;
    }
    frame
}

fn says(number: usize, what: &str) -> Pagination {
    Pagination { says: format!("{number} {what}, newest first"), ..Pagination::default() }
}

fn provider_list(rows: u128) -> providers::list::Page {
    let organization = organization();
    providers::list::Page {
        frame: frame("Providers", NavigationItem::Providers),
        notes: Vec::new(),
        lines: (0..rows)
            .map(|number| providers::line::ProviderLine::of(&provider(number), &organization))
            .collect(),
        pagination: says(3, "providers"),
        may_configure: true,
    }
}

fn provider_page(
    frame: Frame,
    number: u128,
    report: Option<providers::report::Report>,
) -> providers::read::Page {
    let row = provider(number);
    let line = providers::line::ProviderLine::of(&row, &organization());
    let models = vec![("1".to_owned(), "gpt-4o".to_owned()), ("2".to_owned(), "gpt-4o-mini".to_owned())];
    providers::read::Page { report, ..providers::read::Page::with(frame, line, &row, models) }
}

fn report() -> providers::report::Report {
    let offer = |name: &str| providers::report::OfferedModel {
        name: name.to_owned(),
        kind: if name == "tts-1" { "Speech" } else { "" },
        names: if name == "gpt-4o" { "gpt-4o" } else { "" }.to_owned(),
        path: "/models/new?provider=1&upstream=x".to_owned(),
    };
    let offers = vec![offer("gpt-4o"), offer("gpt-4.1"), offer("tts-1")];
    providers::report::Report {
        works: true,
        result: crate::console::components::status_badge::StatusBadge::of_health("ok"),
        took: "412 ms".to_owned(),
        message: String::new(),
        remedy: String::new(),
        number: "3 models".to_owned(),
        offers,
        more: String::new(),
        all: Some(2),
    }
}

fn line(number: u128) -> models::line::ModelLine {
    let (clock, _) = Clock::manual(now());
    models::line::ModelLine::of(&model(number), &organization(), &Cooldowns::new(clock, false))
}

fn model_page(frame: Frame, number: u128) -> models::read::Page {
    let uses = models::read::Uses {
        has_fallbacks: true,
        behind: vec![("3".to_owned(), "claude-sonnet".to_owned())],
        keys: vec!["batch jobs".to_owned()],
    };
    let providers = vec![Choice::new("1", "OpenAI, EU account")];
    models::read::Page { providers, ..models::read::Page::with(frame, line(number), &model(number), uses) }
}

fn model_form(problems: Problems) -> models::create::Page {
    models::create::Page {
        frame: frame("Add model", NavigationItem::Models),
        problems,
        typed: models::form::FormValues { name: "gpt-4o".to_owned(), enabled: true, ..Default::default() },
        known: models::form::BuiltInValues::of(&FilledModel::known("openai", "gpt-4o")),
        providers: vec![Choice::new("", "Choose a provider"), Choice::new("1", "OpenAI, EU account")],
    }
}

fn model_list(rows: u128) -> models::list::Page {
    models::list::Page {
        frame: frame("Models", NavigationItem::Models),
        notes: Vec::new(),
        lines: (0..rows).map(line).collect(),
        pagination: says(3, "models"),
        may_configure: true,
        served: true,
        part: String::new(),
        providers: vec![Choice::new("", "Any"), Choice::new("1", "OpenAI")],
        provider: String::new(),
        kinds: models::list::kinds(),
        kind: String::new(),
        states: models::list::states(),
        enabled: String::new(),
    }
}

fn key_list(rows: u128) -> keys::list::Page {
    keys::list::Page {
        frame: frame("API keys", NavigationItem::Keys),
        notes: Vec::new(),
        lines: (0..rows).map(|number| keys::line::KeyLine::of(&key(number), None, now())).collect(),
        pagination: says(3, "keys"),
        may_manage: true,
    }
}

fn audit_list(rows: u128) -> audit::list::Page {
    audit::list::Page {
        frame: frame("Audit", NavigationItem::Audit),
        notes: Vec::new(),
        kinds: audit::list::kinds(),
        actor: String::new(),
        kind: String::new(),
        thing: String::new(),
        lines: (0..rows).map(|number| (&entry(number)).into()).collect(),
        pagination: says(8, "changes"),
    }
}

fn key_form() -> keys::create::Page {
    let typed = keys::form::FormValues { scopes: vec!["inference".to_owned()], ..Default::default() };
    let problems = Problems::of("name", "The name must be 1 to 100 printable characters");
    keys::create::Page::with(
        frame("Create key", NavigationItem::Keys),
        &organization(),
        "1.x".to_owned(),
        typed,
        problems,
    )
}

fn made() -> keys::create::MadePage {
    keys::create::MadePage {
        frame: frame("Key created", NavigationItem::Keys),
        name: "production".to_owned(),
        key: "fsk_0123456789abcdef0123456789abcdef0123".to_owned(),
        snippet: "curl 'http://127.0.0.1:8080/v1/chat/completions' \\\n  -H 'Authorization: Bearer fsk_...'"
            .to_owned(),
    }
}

fn settings_page(frame: Frame) -> settings::Page {
    let typed = settings::FormValues::of_settings(&OrganizationSettings::default());
    let page = settings::Page::with(frame, typed, Problems::default());
    settings::Page { budgets: budget_lines(), ..page }
}

fn budget_lines() -> Vec<BudgetLine> {
    vec![
        BudgetLine {
            name: "Today",
            value: "$12.30 spent · warning at $10.00, limit at $20.00 · resets Nov 21 00:00 UTC".to_owned(),
            note: "its soft limit is reached",
        },
        BudgetLine {
            name: "This month",
            value: "$80.12 spent · limit at $400.00 · resets Dec 1 00:00 UTC".to_owned(),
            note: "",
        },
    ]
}

fn budget_form(problems: Problems) -> budgets::change::Page {
    let typed = budgets::form::FormValues { day_hard: "20".to_owned(), ..Default::default() };
    let of = budgets::change::BudgetTarget::key(&key(1));
    let unpriced = "llama-70b".to_owned();
    let frame = frame("Budget", NavigationItem::Keys);
    budgets::change::Page { frame, problems, typed, of, unpriced, skips_unpriced: true }
}

/// Every page by name.
pub(super) fn samples() -> Vec<(&'static str, String)> {
    [of_providers(), of_models(), of_keys(), of_governing()].concat()
}

fn html(page: &impl askama::Template) -> String {
    page.render().expect("a page")
}

fn of_providers() -> Vec<(&'static str, String)> {
    let delete = |models| {
        providers::delete::confirmation(frame("Delete Groq", NavigationItem::Providers), 2, "Groq", models)
    };
    let models = vec![("1".to_owned(), "gpt-4o".to_owned())];
    vec![
        ("providers", html(&provider_list(3))),
        ("providers-empty", html(&provider_list(0))),
        ("provider", html(&provider_page(frame("Groq", NavigationItem::Providers), 2, None))),
        (
            "provider-tested",
            html(&provider_page(frame("OpenAI", NavigationItem::Providers), 1, Some(report()))),
        ),
        ("provider-member", html(&provider_page(member("Groq", NavigationItem::Providers), 2, None))),
        ("provider-delete", html(&delete(Vec::new()))),
        ("provider-kept", html(&delete(models))),
    ]
}

fn of_models() -> Vec<(&'static str, String)> {
    let used = models::delete::used(crate::store::RecentUse { requests: 1_204, keys: 3 });
    let delete = |uses: &models::read::Uses| {
        let frame = frame("Delete gpt-4o", NavigationItem::Models);
        models::delete::confirmation(frame, 1, "gpt-4o", uses, used.clone())
    };
    let behind = models::read::Uses {
        has_fallbacks: true,
        behind: vec![("2".to_owned(), "llama-70b".to_owned())],
        keys: Vec::new(),
    };
    let keys = models::read::Uses { keys: vec!["batch".to_owned()], ..models::read::Uses::default() };
    let wrong = Problems::of("context_window", "The context window must be a whole number");
    vec![
        ("models", html(&model_list(3))),
        ("models-empty", html(&model_list(0))),
        ("model", html(&model_page(frame("gpt-4o", NavigationItem::Models), 0))),
        ("model-member", html(&model_page(member("llama-70b", NavigationItem::Models), 1))),
        ("model-new", html(&model_form(wrong))),
        ("model-delete", html(&delete(&keys))),
        ("model-kept", html(&delete(&behind))),
    ]
}

fn of_keys() -> Vec<(&'static str, String)> {
    let revoke = |number| {
        let line = keys::line::KeyLine::of(&key(number), None, now());
        let lately = "1,204 requests were made with it in the last 24 hours.";
        keys::revoke::confirmation(frame("Revoke production", NavigationItem::Keys), &line, lately)
    };
    let line = keys::line::KeyLine::of(&key(1), None, now());
    let typed = keys::form::FormValues::of_row(&key(1));
    let one = keys::read::Page::with(frame("production", NavigationItem::Keys), line, typed, &organization());
    let one = keys::read::Page { budgets: budget_lines(), ..one };
    vec![
        ("keys", html(&key_list(3))),
        ("keys-empty", html(&key_list(0))),
        ("key", html(&one)),
        ("key-budget", html(&budget_form(Problems::default()))),
        ("key-new", html(&key_form())),
        ("key-made", html(&made())),
        ("key-revoke", html(&revoke(0))),
        ("key-revoked", html(&revoke(2))),
    ]
}

fn of_governing() -> Vec<(&'static str, String)> {
    let leaving = MemberRow {
        user_id: UserId(Uuid::from_u128(7)),
        email: "grace@acme.test".to_owned(),
        name: None,
        role: "admin".to_owned(),
        created_at: now(),
    };
    let removed = |given| {
        let frame = frame("Remove grace@acme.test", NavigationItem::Members);
        members::remove::confirmation(frame, &leaving, "Acme Rockets", given)
    };
    let given = OutstandingLinks { invitations: 1, links: 0, keys: 2 };
    vec![
        ("member-remove", html(&removed(given))),
        ("member-remove-nothing", html(&removed(OutstandingLinks { invitations: 0, links: 0, keys: 0 }))),
        ("settings", html(&settings_page(frame("Settings", NavigationItem::Settings)))),
        ("settings-member", html(&settings_page(member("Settings", NavigationItem::Settings)))),
        (
            "settings-budget",
            html(&budget_form(Problems::of(
                "day_soft",
                "The soft limit must not be higher than the hard limit.",
            ))),
        ),
        ("audit", html(&audit_list(8))),
        ("audit-empty", html(&audit_list(0))),
        ("docs", html(&docs::start::Page::of(Frame::public("Quick start"), "https://gateway.test"))),
    ]
}
