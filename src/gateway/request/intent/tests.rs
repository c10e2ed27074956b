//! When a request is translated ahead of its plan.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::ids::{ModelId, OrganizationId, ProviderId};
use uuid::Uuid;

use super::*;
use crate::dialects::Dialect;
use crate::domain::clock::Clock;
use crate::limits::shares::{LARGE_TO_TRANSLATE, Shares};
use crate::providers::{StreamOptions, preset};
use crate::store::snapshot::{Budgets, ProviderEntry, TypedLists};
use crate::store::{ModelSettings, OrganizationSettings};

fn model(number: u64, name: &str, preset_name: &str, context_window: Option<i64>) -> Arc<ModelEntry> {
    let provider = ProviderEntry {
        id: ProviderId(Uuid::from_u64_pair(1, number)),
        name: name.into(),
        preset: preset(preset_name).expect("a preset"),
        base_url: None,
        credential: None,
        stream_options: StreamOptions::Auto,
        mappings: Default::default(),
        updated_at: DateTime::<Utc>::UNIX_EPOCH,
    };
    Arc::new(ModelEntry {
        id: ModelId(Uuid::from_u64_pair(2, number)),
        name: name.into(),
        created_at: DateTime::<Utc>::UNIX_EPOCH,
        provider: Arc::new(provider),
        upstream_model: name.to_owned(),
        settings: ModelSettings { context_window, ..ModelSettings::default() },
        enabled: true,
        price_id: None,
        updated_at: DateTime::<Utc>::UNIX_EPOCH,
        cooldown_ended_at: None,
    })
}

/// A request of so many bytes for these models, of which `claude` is native to Messages and the others to chat completions.
fn intent(models: &[&str], bytes: usize) -> Intent {
    let models = serde_json::json!(models);
    let body = format!(
        r#"{{"models":{models},"max_tokens":9,"messages":[{{"role":"user","content":"{}"}}]}}"#,
        "a b ".repeat(bytes / 4)
    );
    let catalog = [
        model(1, "claude", "custom-messages", None),
        model(2, "small-claude", "custom-messages", Some(10)),
        model(3, "gpt", "custom", None),
    ];
    let organization = OrganizationSnapshot {
        id: OrganizationId(Uuid::nil()),
        name: "test".into(),
        version: 1,
        settings: OrganizationSettings::default(),
        keys: HashMap::new(),
        providers: HashMap::new(),
        models: catalog.into_iter().map(|model| (model.name.to_string(), model)).collect(),
        chains: HashMap::new(),
        typed_lists: TypedLists::default(),
        budgets: Budgets::default(),
    };
    Intent {
        organization: Arc::new(organization),
        key: None,
        request: ChatRequest::parse_as(Dialect::Messages, body.into()).expect("a request"),
        deadline: None,
        drills: Drills::default(),
    }
}

#[tokio::test]
async fn a_long_request_is_translated_when_the_plan_needs_it() {
    let cooldowns = Cooldowns::new(Clock::manual(DateTime::UNIX_EPOCH).0, true);
    let state = StateView { cooldowns: &cooldowns, calibrations: None, spending: None, refusals: None };
    let begins = |intent: &Intent| intent.begins_with_translation(&RoutingContext::new(intent, state));
    let long = LARGE_TO_TRANSLATE;
    for (models, bytes, expected) in [
        (&["claude", "gpt"][..], long, false),
        (&["gpt", "claude"], long, true),
        (&["gpt"], long / 2, false),
        // What does not fit is passed over, and then the others count.
        (&["small-claude", "gpt"], long, true),
    ] {
        assert_eq!(begins(&intent(models, bytes)), expected, "{models:?} {bytes}");
    }
    let share = Shares::ample().of_anonymous();
    let with_fallback = intent(&["claude", "gpt"], long);
    with_fallback.translate_early(&share).await;
    assert_eq!(with_fallback.slow_translations().next(), None, "it is translated once");
    assert_eq!(intent(&["claude"], long).slow_translations().next(), None, "no model needs it");
}
