//! The provider that a golden test calls, and how its calls are written down.

use std::fmt::Write as _;

use failsoft::dialects::Dialect;
use failsoft::providers::{ParameterRules, Preset, preset};
use reqwest::Method;
use serde_json::Value;

use super::visible;
use crate::support::app::App;
use crate::support::fake_provider::{FakeProvider, Received, Script};

/// One request: everything in its body except the candidates.
pub(super) struct Case {
    pub(super) title: &'static str,
    pub(super) rest: &'static str,
}

impl Case {
    pub(super) fn streams(&self) -> bool {
        self.rest.starts_with("\"stream\":true")
    }
}

/// The provider that a test calls.
pub(super) struct Vendor<'a> {
    pub(super) app: &'a App,
    pub(super) fake: &'a FakeProvider,
    pub(super) preset: &'static Preset,
    pub(super) dialect: Dialect,
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

pub(super) fn body(candidates: &str, case: &Case) -> String {
    // The members that decide about streaming come first, so that cases need not repeat them.
    format!("{{{},\n {candidates} }}", case.rest)
}

impl<'a> Vendor<'a> {
    /// The vendor of a preset.
    pub(super) fn new(app: &'a App, fake: &'a FakeProvider, name: &str, dialect: Dialect) -> Self {
        let preset = preset(name).expect(name);
        let origin = preset.base_url.map_or_else(
            || "https://<installation>".to_owned(),
            |base| url::Url::parse(base).expect("an address").origin().ascii_serialization(),
        );
        Self { app, fake, preset, dialect, origin }
    }

    /// Adds the vendor's models, and one with the organization's own rules.
    pub(super) async fn arrange(&self, path: &str, models: &[&str]) {
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

    /// The answer of the vendor to a request.
    fn answer(&self, stream: bool) -> Script {
        match (self.dialect, stream) {
            (Dialect::ChatCompletions, true) => Script::stream().text("Hi").finish("stop").done(),
            (Dialect::ChatCompletions, false) => Script::answer("Hi"),
            (_, true) => Script::message_stream("Hi"),
            (_, false) => Script::message("Hi"),
        }
    }

    /// Sends the request; returns what the last candidate received and the reported changes.
    pub(super) async fn ask(&self, candidates: &str, case: &Case) -> (Received, Vec<String>) {
        self.fake.always(self.answer(case.streams()));
        let endpoint = self.dialect.of_callers().expect("a dialect of callers").endpoint();
        let request = self.app.request(Method::POST, endpoint);
        let request = request
            .header("content-type", "application/json")
            .header("x-failsoft-metadata", "enabled")
            // Only Anthropic's dialect has it.
            .header("anthropic-beta", "one,two");
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
    pub(super) fn head(&self, received: &Received) -> String {
        assert_eq!(received.header("content-length"), Some(received.body.len().to_string().as_str()));
        assert_eq!(received.header("host"), Some(self.fake.address().to_string().as_str()));
        let mut headers: Vec<String> = received
            .headers
            .iter()
            .filter(|(name, _)| !["content-length", "host"].contains(&name.to_ascii_lowercase().as_str()))
            .map(|(name, value)| format!("{}: {}", name.to_ascii_lowercase(), masked(value)))
            .collect();
        headers.sort_unstable();
        let path = match &received.model {
            // The address names the model, which differs.
            Some(model) => received.path.replace(&format!("/{model}:"), "/<model>:"),
            None => received.path.clone(),
        };
        format!("{} {}{path}\n{}\n", received.method, self.origin, headers.join("\n"))
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

pub(super) fn section(title: &str, body: &[u8], adapted: &[String]) -> String {
    let text = visible(std::str::from_utf8(body).expect("a text"));
    let mut out = format!("\n## {title}\n{text}\n");
    for change in adapted {
        writeln!(out, "- {change}").expect("a text");
    }
    out
}

/// The heads of all calls, which must be the same for whole answers and for streams, before the bodies.
pub(super) fn written(heads: &[(bool, String)], bodies: &str) -> String {
    let first =
        |stream: bool| heads.iter().find(|(streams, _)| *streams == stream).expect("a call").1.clone();
    let (whole, stream) = (first(false), first(true));
    assert!(
        heads.iter().all(|(streams, head)| *head == if *streams { stream.clone() } else { whole.clone() })
    );
    format!("# every call\n{whole}\n# every stream\n{stream}{bodies}")
}
