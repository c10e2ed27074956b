//! The URL and the headers of a call, by the dialect that the vendor serves.

mod model_list;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName};
use zeroize::Zeroizing;

pub use model_list::model_names;

use super::aws::credential::{AccessKey, is_access_key};
use super::presets::{Authentication, CredentialNeed, InvalidCredential, Preset, Service};
use super::service_account::{ServiceAccount, is_key_file};

/// The URL of a service under `base_url`.
///
/// Accepts what people paste: trailing slashes, and the full endpoint instead of its base. A query is kept (some
/// installations require an API version there, and get the default one without it); a fragment is dropped. Where the address
/// names the model, this is the address that its name follows.
pub fn service_url(preset: &Preset, service: &Service, base_url: &str) -> String {
    let base = base_url.split('#').next().unwrap_or_default().trim();
    let (path, query) = base.split_once('?').unwrap_or((base, ""));
    let path = path.trim_end_matches('/');
    let path = match service.model_address {
        Some(_) => path.split_once(service.path).map_or(path, |(before, _)| before),
        None => path,
    };
    let pasted = preset.services().find_map(|(_, service)| path.strip_suffix(service.path));
    let path = pasted.unwrap_or(path).trim_end_matches('/');
    // A path with the version is also right for a base that ends in it, or in what precedes it.
    let versioned =
        service.path.split_once("/v1/").map(|(before, _)| [format!("{before}/v1"), before.to_owned()]);
    let begun = versioned.iter().flatten().find_map(|beginning| path.strip_suffix(beginning.as_str()));
    let path = begun.unwrap_or(path);
    let version = service.model_address.and_then(|address| address.version);
    let has = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let version = version.filter(|(name, _)| !has(name)).map(|(name, value)| format!("{name}={value}"));
    let query: Vec<&str> =
        [query, version.as_deref().unwrap_or_default()].into_iter().filter(|part| !part.is_empty()).collect();
    let question = if query.is_empty() { "" } else { "?" };
    format!("{path}{}{question}{}", service.path, query.join("&"))
}

/// Checks that a credential matches what the preset needs and can be sent.
///
/// # Errors
/// [`InvalidCredential`] if the preset and the credential do not match.
pub fn check_credential(preset: &Preset, credential: Option<&str>) -> Result<(), InvalidCredential> {
    for (_, service) in preset.services() {
        upstream_headers(preset, service, credential)?;
        if let Some(key_file) = key_file(service, credential) {
            ServiceAccount::checked(key_file)?;
        }
        if let Some(access_key) = access_key(service, credential) {
            AccessKey::parse(access_key)?;
        }
    }
    Ok(())
}

/// The credential, if it is a key file that access tokens are made from. Then each call has the header of a token besides
/// [`upstream_headers`].
pub fn key_file<'a>(service: &Service, credential: Option<&'a str>) -> Option<&'a str> {
    let makes_tokens = service.authentication == Authentication::AccessToken;
    credential.filter(|credential| makes_tokens && is_key_file(credential))
}

/// The credential, if it is an access key of AWS that requests are signed with. Then each call has the headers of its
/// signature besides [`upstream_headers`].
pub fn access_key<'a>(service: &Service, credential: Option<&'a str>) -> Option<&'a str> {
    let signs = service.authentication == Authentication::Aws;
    credential.filter(|credential| signs && is_access_key(credential))
}

/// The value of the header `Authorization` with a token.
///
/// # Errors
/// A header cannot carry the token.
pub fn bearer(token: &str) -> Result<HeaderValue, InvalidCredential> {
    sensitive(format!("Bearer {}", plain(token)?))
}

/// The path, beside that of the models, that only an accepted credential opens; `None` if the list of models is such a path
/// itself.
#[must_use]
pub fn credential_path(preset: &Preset) -> Option<&'static str> {
    // V openrouter.ai/docs/api/api-reference/api-keys/get-current-api-key: its list of models is public.
    (preset.name == "openrouter").then_some("/key")
}

/// The headers that depend on the vendor and the account: content type, no compression (the gateway passes bytes
/// through as they are), the service's own headers, and the credential, marked as sensitive. The caller adds the
/// headers of a single call (accept, user agent, via, traceparent).
///
/// # Errors
/// [`InvalidCredential`] if the preset and the credential do not match.
pub fn upstream_headers(
    preset: &Preset,
    service: &Service,
    credential: Option<&str>,
) -> Result<HeaderMap, InvalidCredential> {
    let mut headers = HeaderMap::with_capacity(4 + service.headers.len());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in service.headers {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    let credential = usable(preset, credential)?;
    let is_sent = key_file(service, credential).or(access_key(service, credential)).is_none();
    if let Some(credential) = credential.filter(|_| is_sent) {
        match service.authentication {
            Authentication::Bearer | Authentication::AccessToken | Authentication::Aws => {
                headers.insert(AUTHORIZATION, bearer(credential)?);
            }
            Authentication::Header(name) => {
                headers.insert(HeaderName::from_static(name), sensitive(plain(credential)?.to_owned())?);
            }
            Authentication::None => return Err(InvalidCredential::Unwanted),
        }
    }
    Ok(headers)
}

/// The credential to send, if it matches what the preset needs.
fn usable<'a>(preset: &Preset, credential: Option<&'a str>) -> Result<Option<&'a str>, InvalidCredential> {
    let credential = credential.filter(|credential| !credential.is_empty());
    match (preset.credential, credential) {
        (CredentialNeed::Required, None) => Err(InvalidCredential::Missing),
        (CredentialNeed::Never, Some(_)) => Err(InvalidCredential::Unwanted),
        (CredentialNeed::Optional | CredentialNeed::Never, None) => Ok(None),
        (CredentialNeed::Required | CredentialNeed::Optional, Some(credential)) => Ok(Some(credential)),
    }
}

/// A credential that a header can carry.
fn plain(credential: &str) -> Result<&str, InvalidCredential> {
    InvalidCredential::of_text(credential).map_or(Ok(credential), Err)
}

/// A header value that logs and debug output never print, and that is zeroed when its last copy is dropped.
pub(super) fn sensitive(value: String) -> Result<HeaderValue, InvalidCredential> {
    let bytes = Bytes::from_owner(Zeroizing::new(value.into_bytes()));
    let mut value = HeaderValue::from_maybe_shared(bytes).map_err(|_| InvalidCredential::Characters)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::Dialect;
    use crate::providers::presets::{PRESETS, preset};

    fn named(name: &str) -> &'static Preset {
        preset(name).expect(name)
    }

    fn url(name: &str, dialect: Dialect, base: &str) -> String {
        service_url(named(name), named(name).service(dialect).expect("a service"), base)
    }

    fn chat_url(name: &str, base: &str) -> String {
        url(name, Dialect::ChatCompletions, base)
    }

    fn headers(name: &str, credential: Option<&str>) -> Result<HeaderMap, InvalidCredential> {
        let preset = named(name);
        let service = preset.service(Dialect::ChatCompletions).expect("a service");
        upstream_headers(preset, service, credential)
    }

    #[test]
    fn deployments_have_a_version() {
        let at = "https://x.openai.azure.com/openai/deployments?api-version=";
        for (base, version) in [
            ("https://x.openai.azure.com/openai", "2024-10-21"),
            ("https://x.openai.azure.com/openai?api-version=2025-04-01-preview", "2025-04-01-preview"),
            (
                "https://x.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2025-01-01-preview",
                "2025-01-01-preview",
            ),
        ] {
            assert_eq!(chat_url("azure-deployments", base), format!("{at}{version}"), "{base}");
        }
        let other = chat_url("azure-deployments", "https://x.openai.azure.com/openai?a=1");
        assert_eq!(other, at.replace('?', "?a=1&") + "2024-10-21");
    }

    #[test]
    fn the_address_is_forgiving() {
        for base in [
            "https://api.openai.com/v1",
            "https://api.openai.com/v1/",
            " https://api.openai.com/v1// ",
            "https://api.openai.com/v1/chat/completions",
            "https://api.openai.com/v1/chat/completions/",
            "https://api.openai.com/v1#section",
            "https://api.openai.com/v1/?",
        ] {
            assert_eq!(chat_url("openai", base), "https://api.openai.com/v1/chat/completions", "{base}");
        }
        assert_eq!(
            chat_url("azure", "https://x.openai.azure.com/openai/v1?api-version=preview"),
            "https://x.openai.azure.com/openai/v1/chat/completions?api-version=preview"
        );
    }

    #[test]
    fn each_dialect_has_its_address_and_its_headers() {
        for base in ["https://api.anthropic.com/v1", "https://api.anthropic.com/v1/chat/completions"] {
            assert_eq!(url("anthropic", Dialect::Messages, base), "https://api.anthropic.com/v1/messages");
        }
        for base in [
            "https://x.example/anthropic",
            "https://x.example/anthropic/v1/",
            "https://x.example/anthropic/v1/messages",
        ] {
            let expected = "https://x.example/anthropic/v1/messages";
            assert_eq!(url("custom-messages", Dialect::Messages, base), expected, "{base}");
        }
        for base in [
            "https://x.services.ai.azure.com",
            "https://x.services.ai.azure.com/anthropic/",
            "https://x.services.ai.azure.com/anthropic/v1",
            "https://x.services.ai.azure.com/anthropic/v1/messages",
        ] {
            let expected = "https://x.services.ai.azure.com/anthropic/v1/messages";
            assert_eq!(url("foundry", Dialect::Messages, base), expected, "{base}");
        }
        let place = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5";
        let models = format!("{place}/publishers/anthropic/models");
        for base in
            [place, &format!("{place}/"), &models, &format!("{models}/claude-sonnet-5:streamRawPredict")]
        {
            assert_eq!(url("vertex-messages", Dialect::Messages, base), models, "{base}");
        }
        let anthropic = named("anthropic");
        let messages = anthropic.service(Dialect::Messages).expect("a service");
        let sent = upstream_headers(anthropic, messages, Some("canary")).expect("headers");
        assert_eq!(sent.get("x-api-key").expect("header"), "canary");
        assert_eq!(sent.get("anthropic-version").expect("header"), "2023-06-01");
        assert!(sent.get("authorization").is_none());
        assert!(!format!("{sent:?}").contains("canary"));
        let sent = headers("anthropic", Some("canary")).expect("headers");
        assert_eq!(sent.get("authorization").expect("header"), "Bearer canary");
        assert!(sent.get("anthropic-version").is_none());
    }

    #[test]
    fn every_preset_with_an_address_makes_a_parsable_one() {
        for row in PRESETS {
            if let Some(base) = row.base_url {
                for (_, service) in row.services() {
                    let url = url::Url::parse(&service_url(row, service, base)).expect(row.name);
                    assert!(url.path().ends_with(service.path));
                    assert!(!url.path().contains("//"));
                }
            }
        }
    }

    #[test]
    fn credentials_travel_as_the_vendor_wants_and_stay_out_of_debug_output() {
        let sent = headers("openai", Some("sk-canary")).expect("headers");
        assert_eq!(sent.get("authorization").expect("header"), "Bearer sk-canary");
        assert_eq!(sent.get("accept-encoding").expect("header"), "identity");
        assert_eq!(sent.get("content-type").expect("header"), "application/json");
        assert!(!format!("{sent:?}").contains("canary"));

        let sent = headers("azure", Some("canary")).expect("headers");
        assert_eq!(sent.get("api-key").expect("header"), "canary");
        assert!(sent.get("authorization").is_none());
        assert!(!format!("{sent:?}").contains("canary"));
    }

    #[test]
    fn a_token_is_sent_and_a_key_file_is_not() {
        let vertex = named("vertex-messages");
        let messages = vertex.service(Dialect::Messages).expect("a service");
        let sent = upstream_headers(vertex, messages, Some("ya29.canary")).expect("headers");
        assert_eq!(sent.get("authorization").expect("header"), "Bearer ya29.canary");
        assert!(sent.get("anthropic-version").is_none());
        let file = "{\n \"type\": \"service_account\"}";
        let sent = upstream_headers(vertex, messages, Some(file)).expect("headers");
        assert!(sent.get("authorization").is_none());
        assert_eq!(key_file(messages, Some(file)), Some(file));
        assert_eq!(check_credential(vertex, Some(file)), Err(InvalidCredential::ClientEmail));
        assert_eq!(check_credential(named("openai"), Some(file)), Err(InvalidCredential::LineBreak));
        assert_eq!(check_credential(vertex, Some("ya29 canary")), Err(InvalidCredential::Characters));
    }

    #[test]
    fn an_api_key_of_bedrock_is_sent_and_an_access_key_is_not() {
        let bedrock = named("bedrock");
        let converse = bedrock.service(Dialect::Converse).expect("a service");
        let sent = upstream_headers(bedrock, converse, Some("ABSKcanary")).expect("headers");
        assert_eq!(sent.get("authorization").expect("header"), "Bearer ABSKcanary");
        let key = r#"{"access_key_id":"AKIDEXAMPLE","secret_access_key":"canary"}"#;
        let sent = upstream_headers(bedrock, converse, Some(key)).expect("headers");
        assert!(sent.get("authorization").is_none());
        assert_eq!(access_key(converse, Some(key)), Some(key));
        assert_eq!(check_credential(bedrock, Some(key)), Ok(()));
        assert_eq!(check_credential(bedrock, Some("{}")), Err(InvalidCredential::AccessKeyId));
        assert_eq!(check_credential(bedrock, Some("a b")), Err(InvalidCredential::Characters));
        let url = "https://bedrock-runtime.us-east-1.amazonaws.com/model";
        let host = "https://bedrock-runtime.us-east-1.amazonaws.com";
        for base in [host, url, &format!("{url}/amazon.nova-lite-v1%3A0/converse")] {
            assert_eq!(service_url(bedrock, converse, base), url);
        }
    }

    #[test]
    fn need_and_credential_must_agree() {
        for absent in [None, Some("")] {
            let required = headers("openai", absent);
            assert_eq!(required.expect_err("missing"), InvalidCredential::Missing);
            assert!(headers("vllm", absent).is_ok());
            assert!(headers("simulated", absent).is_ok());
        }
        let unwanted = headers("simulated", Some("k"));
        assert_eq!(unwanted.expect_err("unwanted"), InvalidCredential::Unwanted);
    }

    #[test]
    fn what_no_header_can_carry_is_refused_without_being_named() {
        for (bad, expected) in [
            ("secret\n", InvalidCredential::LineBreak),
            ("secret\r\nx: y", InvalidCredential::LineBreak),
            ("sec ret", InvalidCredential::Characters),
            ("s\u{e9}cret", InvalidCredential::Characters),
            ("secret\0", InvalidCredential::Characters),
        ] {
            let refusal = headers("openai", Some(bad)).expect_err(bad);
            assert_eq!(refusal, expected);
            assert!(!refusal.to_string().contains("secret"));
        }
    }
}
