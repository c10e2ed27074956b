//! The message that each preset's provider receives, case by case.

use failsoft::dialects::Dialect;
use failsoft::providers::service_url;

use super::hold;
use super::vendor::{Case, Vendor, section, written};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// A preset, the path of an installation if the preset has no address of its own, and a model of the vendor.
pub(super) const VENDORS: &[(&str, &str, &str)] = &[
    ("anthropic", "", "claude-sonnet-4-5"),
    ("foundry", "/anthropic", "claude-sonnet-4-5"),
    ("bedrock-messages", "/anthropic", "anthropic.claude-sonnet-4-5"),
    ("vertex-messages", "/v1/projects/p/locations/us-east5", "claude-sonnet-4-5@20250929"),
    ("custom-messages", "/some/path?a=b", "some model \"of\" theirs"),
];

const CASES: &[Case] = &[
    Case {
        title: "plain",
        rest: r#""max_tokens":64,"messages":[{"role":"user","content":"Hello"}],"temperature":0.50"#,
    },
    Case { title: "stream", rest: r#""stream":true,"max_tokens":64,"messages":[]"# },
    Case {
        title: "members of the gateway's own, and Anthropic's fallbacks",
        rest: r#""max_tokens":64,"messages":[],"fallbacks":[{"model":"x","max_tokens":9}],"disable_fallbacks":false,"max_fallbacks":3,"num_retries":0,"session_id":"s-1","mock_testing_fallbacks":false,"metadata":{"user_id":"u"}"#,
    },
    Case {
        title: "an agent's request",
        rest: r#""stream":true,"max_tokens":64000,"system":[{"type":"text","text":"x-anthropic-billing-header: cc","cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":"Go on."},{"role":"system","content":"mid"},{"role":"assistant","content":[{"type":"thinking","thinking":"T","signature":"c2ln"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"b" :1.50,"a":12345678901234567890123}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"ok"}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"thinking":{"type":"enabled","budget_tokens":32000},"context_management":{"edits":[]},"output_config":{"effort":"high"},"top_p":0.9,"of_next_year":{"a":[1 ,2]}"#,
    },
];

async fn leaves(vendor: &Vendor<'_>) -> String {
    let name = vendor.preset.name;
    let (mut bodies, mut heads) = (String::new(), Vec::new());
    for (candidates, place) in [
        (format!(r#""model":"{name}-0""#), "as the primary"),
        (format!(r#""model":"native","models":["{name}-0"]"#), "behind another"),
        (format!(r#""model":"native","models":["{name}-ruled"]"#), "an organization's rules behind another"),
    ] {
        for case in CASES {
            let (received, adapted) = vendor.ask(&candidates, case).await;
            bodies += &section(&format!("{}; {place}", case.title), &received.body, &adapted);
            heads.push((case.streams(), vendor.head(&received)));
        }
    }
    written(&heads, &bodies)
}

on_both_databases! {
    async fn what_leaves_for_each_preset_of_messages(app: App) {
        let fake = FakeProvider::start().await;
        let elsewhere = FakeProvider::start().await;
        let native = app.organization.provider_at("elsewhere", "custom-messages", Some(&elsewhere.base_url())).await;
        app.organization.model("native", native).await;
        // The only failure that has no lasting effect.
        elsewhere.always(Script::anthropic_error(400, "invalid_request_error", "never"));
        for (name, path, model) in VENDORS {
            let vendor = Vendor::new(&app, &fake, name, Dialect::Messages);
            vendor.arrange(path, &[model]).await;
            let text = leaves(&vendor).await;
            if let Some(base) = vendor.preset.base_url {
                let service = vendor.preset.service(Dialect::Messages).expect("a service");
                assert!(text.contains(&format!("POST {}\n", service_url(vendor.preset, service, base))), "{name}");
            }
            hold(&format!("messages-{name}"), &text);
        }
    }
}
