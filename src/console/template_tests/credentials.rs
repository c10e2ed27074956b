//! Sample pages of the credentials of a provider.

use askama::Template as _;
use entity::ids::{ProviderCredentialId, ProviderId};
use uuid::Uuid;

use super::frame;
use super::rows::now;
use crate::console::components::layout::NavigationItem;
use crate::console::http::forms::Problems;
use crate::console::pages::providers::{credential, credentials};
use crate::providers::StreamOptions;
use crate::store::{CredentialRow, ProviderRow};

fn provider(preset: &str) -> ProviderRow {
    ProviderRow {
        id: ProviderId(Uuid::from_u128(1)),
        name: "OpenAI, EU account".to_owned(),
        preset: preset.to_owned(),
        base_url: None,
        has_credential: true,
        credential_hint: Some("x7Qa".to_owned()),
        health: "ok".to_owned(),
        stream_options: StreamOptions::Auto,
        limits: Default::default(),
        health_message: None,
        health_at: Some(now()),
        created_at: now(),
        updated_at: now(),
    }
}

fn row(number: u128) -> CredentialRow {
    let failing = number == 2;
    CredentialRow {
        id: ProviderCredentialId(Uuid::from_u128(number)),
        provider_id: ProviderId(Uuid::from_u128(1)),
        name: if failing { "On demand" } else { "Reserved capacity" }.to_owned(),
        weight: 2,
        tier: i32::from(failing),
        credential_hint: (!failing).then(|| "x7Qa".to_owned()),
        health: if failing { "failing" } else { "unknown" }.to_owned(),
        health_message: failing.then(|| "Invalid API Key".to_owned()),
        health_at: Some(now()),
        created_at: now(),
        updated_at: now(),
    }
}

/// Every page by name.
pub(super) fn samples() -> Vec<(&'static str, String)> {
    let framed = |title: &str| frame(title, NavigationItem::Providers);
    let list = |rows: &[CredentialRow], preset: &str| {
        credentials::Page::with(framed("Credentials"), &provider(preset), rows)
    };
    let wrong = credentials::Page {
        problems: Problems::of("weight", "The weight must be a whole number from 1 to 1000"),
        ..list(&[row(1)], "bedrock")
    };
    let one = |number| credential::Page::with(framed("On demand"), &row(number), &provider("openai"));
    let tested = credential::Page { tested: "The connection works.".to_owned(), ..one(1) };
    let confirmation = |has_others| {
        credential::confirmation(framed("Remove On demand"), &row(2), "OpenAI, EU account", has_others)
    };
    let rendered = [
        ("credentials", list(&[row(1), row(2)], "openai").render()),
        ("credentials-empty", list(&[], "vertex-gemini").render()),
        ("credentials-wrong", wrong.render()),
        ("credential", one(2).render()),
        ("credential-tested", tested.render()),
        ("credential-delete", confirmation(true).render()),
        ("credential-kept", confirmation(false).render()),
    ];
    rendered.map(|(name, html)| (name, html.expect("a page"))).into()
}
