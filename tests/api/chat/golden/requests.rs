//! The request that each preset's provider receives, case by case.

use std::fmt::Write as _;

use failsoft::dialects::Dialect;
use failsoft::gateway::call::adapt::adapt;
use failsoft::gateway::request::chat_request::ChatRequest;
use failsoft::providers::{PRESETS, service_url, upstream_headers};

use super::cases::{AS_PRIMARY, BEHIND, BEHIND_EACH, VENDORS};
use super::vendor::{Vendor, body, section, written};
use super::{hold, messages};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

async fn leaves(vendor: &Vendor<'_>, models: &[&str]) -> String {
    let name = vendor.preset.name;
    let alone = |model: &str| format!(r#""model":"{name}-{model}""#);
    let after = |model: &str| format!(r#""model":"first","models":["{name}-{model}"]"#);
    let mut out = String::new();
    let mut heads = Vec::new();
    for case in AS_PRIMARY {
        let (received, adapted) = vendor.ask(&alone("0"), case).await;
        out += &section(&format!("{}; as the primary", case.title), &received.body, &adapted);
        heads.push((case.streams(), vendor.head(&received)));
    }
    for case in BEHIND {
        let (received, adapted) = vendor.ask(&after("0"), case).await;
        out += &section(&format!("{}; behind another", case.title), &received.body, &adapted);
        heads.push((case.streams(), vendor.head(&received)));
    }
    for (index, upstream) in models.iter().enumerate() {
        for case in BEHIND_EACH {
            let (received, adapted) = vendor.ask(&after(&index.to_string()), case).await;
            out += &section(&format!("{}; {upstream} behind another", case.title), &received.body, &adapted);
        }
    }
    let limits = BEHIND_EACH[0];
    let (received, adapted) = vendor.ask(&after("ruled"), limits).await;
    out += &section(
        &format!("{}; an organization's rules behind another", limits.title),
        &received.body,
        &adapted,
    );
    let (received, adapted) = vendor.ask(&alone("ruled"), limits).await;
    out += &section(
        &format!("{}; an organization's rules as the primary", limits.title),
        &received.body,
        &adapted,
    );
    written(&heads, &out)
}

on_both_databases! {
    async fn what_leaves_for_each_preset(app: App) {
        let fake = FakeProvider::start().await;
        let elsewhere = FakeProvider::start().await;
        app.organization.catalog(&elsewhere, &["first"]).await;
        // The only failure that has no lasting effect.
        elsewhere.always(Script::error(400, "no", "never"));
        for (name, path, models) in VENDORS.iter().filter(|(name, ..)| *name != "simulated") {
            let vendor = Vendor::new(&app, &fake, name, Dialect::ChatCompletions);
            vendor.arrange(path, models).await;
            let text = leaves(&vendor, models).await;
            if let Some(base) = vendor.preset.base_url {
                let service = vendor.preset.service(Dialect::ChatCompletions).expect("a service");
                assert!(text.contains(&format!("POST {}\n", service_url(vendor.preset, service, base))), "{name}");
            }
            hold(name, &text);
        }
    }

    /// The simulated provider listens inside the process, where its requests cannot be observed. So this calls the
    /// same functions as a real call.
    async fn what_leaves_for_the_simulated_provider(app: App) {
        let (name, _, models) = VENDORS.iter().find(|(name, ..)| *name == "simulated").expect("a row");
        let provider = app.organization.provider_at(name, name, None).await;
        app.organization.model_like(name, provider, |model| model.upstream_model = models[0].to_owned()).await;
        let model = app.model_as_served(name);
        let service = model.provider.preset.service(Dialect::ChatCompletions).expect("a service");
        let headers = upstream_headers(model.provider.preset, service, None).expect("headers");
        let mut text = String::from("# every call\n");
        for (name, value) in &headers {
            writeln!(text, "{name}: {}", value.to_str().expect("a text")).expect("a text");
        }
        for (cases, primary, place) in [(AS_PRIMARY, true, "as the primary"), (BEHIND, false, "behind another")] {
            for case in cases {
                let body = body(r#""model":"simulated""#, case);
                let request = ChatRequest::parse(body.into_bytes().into()).expect("a request");
                let adapted = adapt(&request, &model, primary, failsoft::providers::compatibility::Parameters::default());
                text += &section(&format!("{}; {place}", case.title), &adapted.body.joined(), &adapted.changes);
            }
        }
        hold(name, &text);
    }
}

#[test]
fn every_preset_has_its_file_and_no_file_is_left_over() {
    let held: Vec<&str> = VENDORS.iter().map(|(name, ..)| *name).collect();
    let serving = |dialect: Dialect| {
        PRESETS.iter().filter(move |preset| preset.serves(dialect)).map(|preset| preset.name)
    };
    assert_eq!(held, serving(Dialect::ChatCompletions).collect::<Vec<_>>());
    let of_messages: Vec<&str> = messages::VENDORS.iter().map(|(name, ..)| *name).collect();
    let outside = serving(Dialect::Messages).filter(|name| *name != "simulated");
    assert_eq!(of_messages, outside.collect::<Vec<_>>());
    let folder = std::fs::read_dir(super::FOLDER).expect("the folder");
    let files = folder.map(|file| file.expect("a file").file_name().into_string().expect("a text"));
    let mut files: Vec<String> = files.filter(|name| name.ends_with(".snap")).collect();
    files.sort_unstable();
    let mut expected: Vec<String> =
        held.iter().chain(&["answers"]).map(|name| format!("{name}.snap")).collect();
    expected.extend(of_messages.iter().map(|name| format!("messages-{name}.snap")));
    expected.sort_unstable();
    assert_eq!(files, expected);
}
