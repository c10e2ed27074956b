//! Sample pages of fallbacks, first steps and playground.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use askama::Template;
use entity::ids::{FallbackConfigId, ModelId, ProviderId};
use uuid::Uuid;

use super::rows::{event, now, request};
use super::{frame, organization};
use crate::console::components::answer_panel::AnswerPanel;
use crate::console::components::layout::NavigationItem;
use crate::console::components::timestamp::Timestamp;
use crate::console::http::forms::Problems;
use crate::console::http::query::Query;
use crate::console::pages::fallbacks::draft::Draft;
use crate::console::pages::fallbacks::editor_page::{Conflict, EditorPage, Notices};
use crate::console::pages::fallbacks::{editor_page, list, many, try_out};
use crate::console::pages::{playground, start};
use crate::domain::clock::Clock;
use crate::domain::failure::class::ErrorClass;
use crate::domain::fallback_type::FallbackType;
use crate::gateway::routing::cooldown::Cooldowns;
use crate::providers::{Capabilities, StreamOptions, preset};
use crate::store::ModelSettings;
use crate::store::snapshot::{CredentialEntry, ModelEntry, OrganizationSnapshot, ProviderEntry};
use crate::store::{FallbackRevision, FallbackRow, RequestCounts};

const MODELS: [(&str, &str); 6] = [
    ("gpt-4o", "openai"),
    ("gpt-4o-mini", "openai"),
    ("claude-sonnet", "anthropic"),
    ("llama-70b", "groq"),
    ("mixtral-8x7b", "groq"),
    ("gpt-4o-long", "openai"),
];

fn catalog() -> Arc<OrganizationSnapshot> {
    let provider = |name: &str| ProviderEntry {
        id: ProviderId(Uuid::new_v5(&Uuid::nil(), name.as_bytes())),
        name: name.into(),
        preset: preset("custom").expect("a preset"),
        base_url: None,
        credential: None,
        credential_entry: CredentialEntry::first(ProviderId(Uuid::nil())),
        further: Vec::new(),
        stream_options: StreamOptions::Auto,
        limits: Default::default(),
        mappings: Default::default(),
        updated_at: now(),
    };
    let model = |(number, (name, by)): (u128, &(&str, &str))| ModelEntry {
        id: ModelId(Uuid::from_u128(number + 1)),
        name: (*name).into(),
        created_at: now(),
        provider: Arc::new(provider(by)),
        upstream_model: (*name).to_owned(),
        settings: ModelSettings {
            context_window: Some(if *name == "mixtral-8x7b" { 32_768 } else { 128_000 }),
            capabilities: Capabilities { vision: Some(*by == "openai"), ..Capabilities::default() },
            num_retries: Some(0),
            ..ModelSettings::default()
        },
        enabled: *name != "llama-70b",
        price_id: None,
        updated_at: now(),
        cooldown_ended_at: None,
        deployments: None,
        own_cooldown_id: None,
    };
    let models = (0..).zip(MODELS.iter()).map(model).map(|model| (model.name.to_string(), Arc::new(model)));
    Arc::new(OrganizationSnapshot { models: models.collect::<HashMap<_, _>>(), ..organization() })
}

fn row(model: &str, kind: FallbackType, behind: &[&str], revision: i64) -> FallbackRow {
    FallbackRow {
        config_id: FallbackConfigId(Uuid::from_u128(3)),
        model: model.to_owned(),
        fallback_type: kind,
        fallback_models: behind.iter().map(|name| (*name).to_owned()).collect(),
        triggers: None,
        revision,
        created_at: now(),
        updated_at: now(),
    }
}

fn rows() -> Vec<FallbackRow> {
    use FallbackType::{ContentPolicy, ContextWindow, General};
    vec![
        row("gpt-4o", General, &["claude-sonnet", "llama-70b", "gpt-4o-mini"], 3),
        row("gpt-4o", ContextWindow, &["gpt-4o-long"], 1),
        FallbackRow {
            triggers: Some(vec!["rate_limited".to_owned(), "timeout".to_owned()]),
            ..row("llama-70b", General, &["mixtral-8x7b"], 1)
        },
        row("claude-sonnet", ContentPolicy, &["gpt-4o"], 2),
    ]
}

fn counts() -> RequestCounts {
    RequestCounts {
        first_try: 11_904,
        by_fallback: 412,
        failed: 7,
        client_closed: 20,
        ..RequestCounts::default()
    }
}

fn history() -> Vec<FallbackRevision> {
    let revision = |number: i64, kind, behind: &[&str], actor: &str| FallbackRevision {
        fallback_type: kind,
        number,
        fallback_models: behind.iter().map(|name| (*name).to_owned()).collect(),
        triggers: None,
        actor: actor.to_owned(),
        created_at: now() - chrono::TimeDelta::hours(30 - number * 7),
    };
    use FallbackType::{ContextWindow, General};
    vec![
        revision(3, General, &["claude-sonnet", "llama-70b", "gpt-4o-mini"], "ada@acme.test"),
        revision(2, General, &["llama-70b", "claude-sonnet"], "grace@acme.test"),
        revision(1, ContextWindow, &["gpt-4o-long"], "ada@acme.test"),
        revision(1, General, &["llama-70b"], "terraform"),
    ]
}

fn cooldowns() -> Cooldowns {
    Cooldowns::new(Clock::manual(now()).0, false)
}

fn editor(may_configure: bool, draft: Option<Draft>, notices: Notices) -> editor_page::Page {
    let organization = catalog();
    let mine = rows().into_iter().filter(|row| row.model == "gpt-4o").collect();
    let editor = EditorPage {
        frame: frame("Fallbacks of gpt-4o", NavigationItem::Fallbacks),
        model: organization.models["gpt-4o"].clone(),
        organization,
        may_configure,
        rows: mine,
        history: history(),
        counts: counts(),
    };
    let draft = draft.unwrap_or_else(|| Draft::in_force(&editor.rows));
    editor.page(&draft, notices, &cooldowns()).expect("a page")
}

fn edited() -> Draft {
    let mut draft = Draft::in_force(&rows()[..2]);
    draft.0[0].models.swap(0, 1);
    draft.0[0].triggers = vec!["rate_limited".to_owned(), "overloaded".to_owned()];
    draft.0[1].models.clear();
    draft.0[2].models.push("mixtral-8x7b".to_owned());
    draft
}

fn answer_panel(answer: bool) -> AnswerPanel {
    let row = request(if answer { 0 } else { 5 });
    let failure = if answer { "" } else { "Overloaded" }.to_owned();
    let answer_text = answer.then(|| "Sunlight is scattered by the air, blue more than red.".to_owned());
    AnswerPanel::of(answer_text, failure, Some(&row), &[event(1), event(0)])
}

fn steps() -> Vec<try_out::TryOutStep> {
    let step = |(number, (model, provider)): (usize, &(&str, &str))| try_out::TryOutStep {
        model: (*model).to_owned(),
        provider: (*provider).to_owned(),
        enabled: number != 3,
        ways: try_out::ways((number < 2).then_some(ErrorClass::RateLimited)),
    };
    MODELS.iter().take(4).enumerate().map(step).collect()
}

fn try_out(answer_panel: Option<AnswerPanel>) -> try_out::Page {
    let frame = frame("Try the fallbacks of gpt-4o", NavigationItem::Fallbacks);
    let page = try_out::Page::of(frame, &catalog().models["gpt-4o"], "Say hello in one sentence.", steps());
    try_out::Page { answer_panel, ..page }
}

fn first_steps(done: bool) -> start::read::Page {
    start::read::Page {
        frame: frame("First steps", NavigationItem::Start),
        keys: usize::from(done),
        once: "1.x".to_owned(),
        new_key: done.then(|| "fsk_0123456789abcdef0123456789abcdef0123".to_owned()),
        curl: crate::console::components::snippets::curl(
            "http://127.0.0.1:8080",
            "fsk_0123",
            "smart",
            "Are you there?",
        ),
        called: "smart".to_owned(),
        model: "smart".to_owned(),
        sent: done,
        answer_panel: done.then(|| answer_panel(true)),
        event: done.then(|| "/events/1".to_owned()),
        provider: false,
        may_make_keys: true,
        may_configure: true,
    }
}

fn playground(answer_panel: Option<AnswerPanel>, problems: Problems) -> playground::send::Page {
    let prompt = "Why is the sky blue? Answer in one sentence.".to_owned();
    let (frame, organization) = (frame("Playground", NavigationItem::Playground), catalog());
    let page = playground::send::Page::of(
        frame,
        &organization,
        "http://127.0.0.1:8080",
        playground::send::Asked {
            dialect: crate::dialects::CallerDialect::Messages,
            model: "gpt-4o".to_owned(),
            prompt,
        },
    );
    playground::send::Page { answer_panel, problems, ..page }
}

fn list_page(rows: Vec<FallbackRow>, organization: &OrganizationSnapshot) -> list::Page {
    let counts = BTreeMap::from([("gpt-4o".to_owned(), counts())]);
    list::Page::of(
        frame("Fallbacks", NavigationItem::Fallbacks),
        &Query::default(),
        organization,
        rows,
        &counts,
        true,
    )
}

fn many_models(problems: Problems) -> many::Page {
    let (organization, chain) = (catalog(), ["claude-sonnet", "llama-70b"].map(str::to_owned));
    let lists: Vec<_> = rows().into_iter().filter(|row| row.fallback_type == FallbackType::General).collect();
    let ticked = [ModelId(Uuid::from_u128(2)), ModelId(Uuid::from_u128(5))].into();
    let frame = frame("The same fallbacks for many models", NavigationItem::Fallbacks);
    let page = many::Page::with(frame, &organization, &lists, &chain, &ticked);
    let ways = vec![("Models without a list", "/fallbacks/many".to_owned(), true)];
    many::Page { problems, ways, ..page }
}

/// Pages of a model with one request, which a fallback answered.
pub(super) fn after_one_request() -> [String; 2] {
    let one = RequestCounts { by_fallback: 1, ..RequestCounts::default() };
    let (organization, counts) = (catalog(), BTreeMap::from([("gpt-4o".to_owned(), one)]));
    let frame = || frame("Fallbacks", NavigationItem::Fallbacks);
    let list = list::Page::of(frame(), &Query::default(), &organization, rows(), &counts, true);
    let editor = EditorPage {
        frame: frame(),
        model: organization.models["gpt-4o"].clone(),
        organization,
        may_configure: true,
        rows: Vec::new(),
        history: Vec::new(),
        counts: one,
    };
    let editor = editor.page(&Draft::in_force(&[]), Notices::default(), &cooldowns()).expect("a page");
    [list.render().expect("a page"), editor.render().expect("a page")]
}

/// Every page by name.
pub(super) fn samples() -> Vec<(&'static str, String)> {
    let html = |page: Result<String, askama::Error>| page.expect("a page");
    let conflicts = vec![Conflict {
        title: "General",
        actor: "grace@acme.test".to_owned(),
        at: Some(Timestamp::from(now())),
        models: "llama-70b and claude-sonnet".to_owned(),
    }];
    let problem = "Content policy: the model 'mixtral' is not in the catalog. Remove it from the list.";
    let problems = Problems::of("content_policy", problem);
    let losses =
        vec!["The list \u{201c}Context window\u{201d} of gpt-4o (gpt-4o-long) is deleted.".to_owned()];
    vec![
        ("fallbacks", html(list_page(rows(), &catalog()).render())),
        ("fallbacks-empty", html(list_page(Vec::new(), &catalog()).render())),
        ("fallbacks-no-models", html(list_page(Vec::new(), &organization()).render())),
        ("fallbacks-many", html(many_models(Problems::default()).render())),
        (
            "fallbacks-many-refused",
            html(many_models(Problems::of("fallback", "Enter at least one.")).render()),
        ),
        ("fallback", html(editor(true, None, Notices::default()).render())),
        ("fallback-member", html(editor(false, None, Notices::default()).render())),
        (
            "fallback-edited",
            html(editor(true, Some(edited()), Notices { problems, conflicts, losses }).render()),
        ),
        ("try", html(try_out(None).render())),
        ("try-run", html(try_out(Some(answer_panel(true))).render())),
        ("start", html(first_steps(false).render())),
        ("start-done", html(first_steps(true).render())),
        ("playground", html(playground(None, Problems::of("prompt", "Type something.")).render())),
        ("playground-answer", html(playground(Some(answer_panel(true)), Problems::default()).render())),
        ("playground-failed", html(playground(Some(answer_panel(false)), Problems::default()).render())),
    ]
}
