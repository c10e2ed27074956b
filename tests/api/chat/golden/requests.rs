//! The request that each preset's provider receives, case by case.

use std::fmt::Write as _;

use failsoft::dialects::Dialect;
use failsoft::gateway::call::adapt::adapt;
use failsoft::gateway::request::chat_request::ChatRequest;
use failsoft::providers::{PRESETS, ParameterRules, Preset, preset, service_url, upstream_headers};
use reqwest::Method;
use serde_json::Value;

use super::cases::{AS_PRIMARY, BEHIND, BEHIND_EACH, Case, VENDORS};
use super::{hold, visible};
use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Received, Script};
use crate::support::on_both_databases;

/// The provider that a test calls.
struct Vendor<'a> {
    app: &'a App,
    fake: &'a FakeProvider,
    preset: &'static Preset,
    /// The address in the golden file.
    origin: String,
}

/// Rules that an organization might configure for a model.
fn own_rules() -> ParameterRules {
    ParameterRules {
        rename: [("max_tokens".to_owned(), "limit".to_owned())].into(),
        drop: vec!["top_p".to_owned(), "seed".to_owned()],
        clamp_output: true,
    }
}

fn body(candidates: &str, case: &Case) -> String {
    // The members that decide about streaming come first, so that cases need not repeat them.
    format!("{{{},\n {candidates} }}", case.rest)
}

impl Vendor<'_> {
    /// Adds the vendor's models, and one with the organization's own rules.
    async fn arrange(&self, path: &str, models: &[&str]) {
        let organization = &self.app.organization;
        let path = match self.preset.base_url {
            Some(base) => url::Url::parse(base).expect("an address").path().to_owned(),
            None => path.to_owned(),
        };
        let base = format!("http://{}{path}", self.fake.address());
        let name = self.preset.name;
        let provider = organization.provider_at(name, name, Some(&base)).await;
        for (index, upstream) in models.iter().enumerate() {
            let change =
                |model: &mut failsoft::store::ModelFields| model.upstream_model = (*upstream).to_owned();
            organization.model_like(&format!("{name}-{index}"), provider, change).await;
        }
        let ruled = |model: &mut failsoft::store::ModelFields| {
            model.upstream_model = "ruled".to_owned();
            model.settings.parameter_rules = Some(own_rules());
            model.settings.max_output_tokens = Some(50);
        };
        organization.model_like(&format!("{name}-ruled"), provider, ruled).await;
    }

    /// Sends the request; returns what the last candidate received and the reported changes.
    async fn ask(&self, candidates: &str, case: &Case) -> (Received, Vec<String>) {
        let script = if case.streams() {
            Script::stream().text("Hi").finish("stop").done()
        } else {
            Script::answer("Hi")
        };
        self.fake.always(script);
        let request = self.app.request(Method::POST, "/v1/chat/completions");
        let request =
            request.header("content-type", "application/json").header("x-failsoft-metadata", "enabled");
        let answer = self.app.call(request.body(body(candidates, case)), &self.app.organization.key).await;
        assert_eq!(answer.status, 200, "{}: {}", case.title, answer.text());
        let told = match answer.events().iter().rev().nth(1) {
            Some(chunk) => serde_json::from_str::<Value>(chunk).expect("JSON"),
            None => answer.json(),
        };
        let attempt =
            told["failsoft"]["attempts"].as_array().and_then(|list| list.last()).expect("an attempt");
        let adapted = attempt["adapted"].as_array().expect("a list").iter();
        let adapted = adapted.map(|change| change.as_str().expect("a text").to_owned()).collect();
        (self.fake.requests().pop().expect("a request"), adapted)
    }

    /// The head of a call, with values that vary masked.
    fn head(&self, received: &Received) -> String {
        assert_eq!(received.header("content-length"), Some(received.body.len().to_string().as_str()));
        assert_eq!(received.header("host"), Some(self.fake.address().to_string().as_str()));
        let mut headers: Vec<String> = received
            .headers
            .iter()
            .filter(|(name, _)| !["content-length", "host"].contains(&name.to_ascii_lowercase().as_str()))
            .map(|(name, value)| format!("{}: {}", name.to_ascii_lowercase(), masked(value)))
            .collect();
        headers.sort_unstable();
        format!("{} {}{}\n{}\n", received.method, self.origin, received.path, headers.join("\n"))
    }
}

/// A header's value, with parts that vary masked.
fn masked(value: &str) -> String {
    let value = value.replace("sk-upstream-secret-0001", "<credential>");
    match value.split_once("failsoft-").or_else(|| value.split_once("failsoft/")) {
        Some((before, _)) => format!("{before}failsoft…"),
        None => value,
    }
}

fn section(title: &str, body: &[u8], adapted: &[String]) -> String {
    let text = visible(std::str::from_utf8(body).expect("a text"));
    let mut out = format!("\n## {title}\n{text}\n");
    for change in adapted {
        writeln!(out, "- {change}").expect("a text");
    }
    out
}

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
    let first =
        |stream: bool| heads.iter().find(|(streams, _)| *streams == stream).expect("a call").1.clone();
    let (whole, stream) = (first(false), first(true));
    assert!(
        heads.iter().all(|(streams, head)| *head == if *streams { stream.clone() } else { whole.clone() })
    );
    format!("# every call\n{whole}\n# every stream\n{stream}{out}")
}

on_both_databases! {
    async fn what_leaves_for_each_preset(app: App) {
        let fake = FakeProvider::start().await;
        let elsewhere = FakeProvider::start().await;
        app.organization.catalog(&elsewhere, &["first"]).await;
        // The only failure that has no lasting effect.
        elsewhere.always(Script::error(400, "no", "never"));
        for (name, path, models) in VENDORS.iter().filter(|(name, ..)| *name != "simulated") {
            let preset = preset(name).expect(name);
            let origin = preset.base_url.map_or_else(
                || "https://<installation>".to_owned(),
                |base| url::Url::parse(base).expect("an address").origin().ascii_serialization(),
            );
            let vendor = Vendor { app: &app, fake: &fake, preset, origin };
            vendor.arrange(path, models).await;
            let text = leaves(&vendor, models).await;
            if let Some(base) = preset.base_url {
                let service = preset.service(Dialect::ChatCompletions).expect("a service");
                assert!(text.contains(&format!("POST {}\n", service_url(preset, service, base))), "{name}");
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
    let all: Vec<&str> =
        PRESETS.iter().filter(|preset| preset.chat_completions.is_some()).map(|preset| preset.name).collect();
    assert_eq!(held, all);
    let folder = std::fs::read_dir(super::FOLDER).expect("the folder");
    let files = folder.map(|file| file.expect("a file").file_name().into_string().expect("a text"));
    let mut files: Vec<String> = files.filter(|name| name.ends_with(".snap")).collect();
    files.sort_unstable();
    let mut expected: Vec<String> =
        all.iter().chain(&["answers"]).map(|name| format!("{name}.snap")).collect();
    expected.sort_unstable();
    assert_eq!(files, expected);
}
