//! When a request is translated ahead of its plan.

use std::collections::HashMap;

use chrono::DateTime;
use entity::ids::{ModelId, OrganizationId, ProviderId};
use futures_util::FutureExt as _;
use uuid::Uuid;

use super::*;
use crate::dialects::Dialect;
use crate::domain::clock::Clock;
use crate::gateway::routing::cooldown::Cooldowns;
use crate::limits::shares::{LARGE_TO_TRANSLATE, Shares};
use crate::store::OrganizationSettings;
use crate::store::snapshot::{Budgets, ProviderEntry, TypedLists, samples};

fn model(number: u64, name: &str, preset_name: &str, context_window: Option<i64>) -> Arc<ModelEntry> {
    let id = ProviderId(Uuid::from_u64_pair(1, number));
    let provider = ProviderEntry { id, ..samples::provider(preset_name) };
    let mut model = samples::model(name, provider);
    model.id = ModelId(Uuid::from_u64_pair(2, number));
    model.settings.context_window = context_window;
    Arc::new(model)
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
        keys: Default::default(),
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
    let state = StateView {
        cooldowns: &cooldowns,
        calibrations: None,
        spending: None,
        call_limits: None,
        refusals: None,
    };
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

#[tokio::test]
async fn a_long_request_is_translated_off_the_event_loop() {
    let share = Shares::ample().of_anonymous();
    let other = share.take_reading().expect("free");
    let intent = intent(&["gpt"], LARGE_TO_TRANSLATE);
    let mut translation = Box::pin(intent.translate_early(&share));
    assert!(translation.as_mut().now_or_never().is_none());
    drop(other);
    translation.await;
    assert_eq!(intent.slow_translations().next(), None);
}
