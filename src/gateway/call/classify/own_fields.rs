//! Whether a failure is about what only this request has: its user, its credential, its route, a file or a model that it
//! names. A caller could otherwise close a model with a value of its own that the provider refuses.

use http::header::{HeaderName, HeaderValue};
use memchr::memmem;
use serde_json::Value;

use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::domain::failure::scope::FailureScope;
use crate::gateway::call::redact::request_text::LONGEST;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::json_object::is_same_name;
use crate::gateway::request::labels::{OWNERS, OWNERS_IN_METADATA};
use crate::gateway::usage::answer_limit::AnswerLimit;
use crate::gateway::usage::asked::Asked;
use crate::gateway::usage::pricing::Tier;
use crate::providers::UpstreamError;
use crate::providers::errors::TokenLimit;
use crate::providers::errors::phrases::is_a_budget_without_owner;

/// Fields with a credential or an address of the caller's own, which are used in place of ours or beside them. What
/// fails then says nothing of ours.
const OWN_ACCESS: [&str; 8] = [
    "api_key",
    "api_base",
    "base_url",
    "authorization",
    "extra_headers",
    "headers",
    "data_sources",
    "dataSources",
];

/// Headers that clients send by themselves, and that choose nothing.
const PLAIN_HEADERS: [&str; 3] =
    ["traceparent", "anthropic-version", "anthropic-dangerous-direct-browser-access"];

/// The header with the beta features of a request.
const FEATURES: &str = "anthropic-beta";

/// Starts of features that every account has, without limits of their own: those that Claude Code always sends, and
/// those that only change the form of a request. Others, such as a long context or a fast mode, may be refused alone.
const PLAIN_FEATURES: [&str; 7] = [
    "claude-code-",
    "context-management-",
    "fine-grained-tool-streaming-",
    "interleaved-thinking-",
    "prompt-caching-",
    "structured-outputs-",
    "token-efficient-tools-",
];

/// The end of a header's name that names something of the account, such as a workspace.
const OF_THE_ACCOUNT: &str = "-id";

/// Fields with which a request chooses among the providers behind a router.
const ROUTES: [&str; 2] = ["provider", "providerOptions"];

/// Words for a user in an error that does not name one.
const USERS: [&str; 4] = ["user", "userid", "safety_identifier", "customer"];

/// Words for a missing permission.
const PERMISSIONS: [&str; 3] = ["permission", "access", "authorized"];

/// Members that refer to something that belongs to the account.
const REFERENCES: [&str; 11] = [
    "container",
    "file",
    "file_id",
    "file_ids",
    "vector_store_ids",
    "previous_response_id",
    "conversation",
    "cached_content",
    "cachedContent",
    "guardrailConfig",
    "guardrail_config",
];

/// Members that name a model other than the one that is called.
const MODELS: [&str; 5] = ["model", "model_id", "deployment", "deployment_id", "deployment_name"];

/// Characters of a value that proves something. A shorter one may be any word.
const PROOF: usize = 3;

/// The scope of a failure that is, or may be, about a field of the request. `sent` is the provider's name of the model
/// that was called.
pub(in crate::gateway) fn of_own_fields(
    failure: &Failure,
    error: &UpstreamError,
    request: &ChatRequest,
    sent: &str,
) -> Option<FailureScope> {
    let own = match failure.class {
        ErrorClass::RateLimited | ErrorClass::Overloaded
            if Asked::of(request).tier == Some(Tier::Special) =>
        {
            Some(FailureScope::Request)
        }
        ErrorClass::RateLimited | ErrorClass::Overloaded | ErrorClass::ModelNotFound
            if chooses_its_route(request) =>
        {
            Some(FailureScope::Request)
        }
        ErrorClass::Authentication
        | ErrorClass::RateLimited
        | ErrorClass::QuotaExhausted
        | ErrorClass::ModelNotFound
            if names_a_resource(request) =>
        {
            Some(FailureScope::Request)
        }
        ErrorClass::Authentication => of_a_reference(error, request, sent),
        ErrorClass::RateLimited => {
            of_its_size(error, request).or_else(|| of_an_owner(failure, error, request))
        }
        ErrorClass::QuotaExhausted => of_an_owner(failure, error, request),
        ErrorClass::ModelNotFound => of_another_model(error, request, sent),
        ErrorClass::Overloaded | ErrorClass::Unavailable => of_an_address(error, request),
        ErrorClass::Timeout
        | ErrorClass::ContextWindowExceeded
        | ErrorClass::ContentPolicy
        | ErrorClass::InvalidRequest
        | ErrorClass::InvalidResponse
        | ErrorClass::StreamInterrupted
        | ErrorClass::Cooldown
        | ErrorClass::Disabled
        | ErrorClass::NotAllowed
        | ErrorClass::OverBudget
        | ErrorClass::Deadline
        | ErrorClass::TooLarge
        | ErrorClass::LacksCapability => return None,
    };
    if has_own_access(request) {
        return Some(FailureScope::Request);
    }
    own.or_else(|| makes_a_choice(request).then_some(FailureScope::Open))
}

/// The value of a member of the request, unless it is null.
fn value<'a>(request: &'a ChatRequest, name: &str) -> Option<&'a [u8]> {
    let part = request.parts.iter().find(|part| part.name == name)?;
    Some(request.value(part)).filter(|value| *value != b"null")
}

fn has_own_access(request: &ChatRequest) -> bool {
    let is_access = |name: &str| OWN_ACCESS.iter().any(|known| is_same_name(known, name));
    request.parts.iter().any(|part| is_access(&part.name) && request.value(part) != b"null")
}

/// Whether the request says which providers a router may call: then another request may be answered by others.
fn chooses_its_route(request: &ChatRequest) -> bool {
    let is_a_choice = |value: &[u8]| value.starts_with(b"{") && value != b"{}";
    ROUTES.iter().any(|name| value(request, name).is_some_and(is_a_choice))
}

/// Whether a header names a workspace or another resource of the account.
fn names_a_resource(request: &ChatRequest) -> bool {
    request.passed.iter().any(|(name, _)| name.as_str().ends_with(OF_THE_ACCOUNT))
}

/// Whether the request chooses a route, a feature, or with a member that is not known anything: those have limits,
/// permissions and failures of their own. An account without money refuses them as well, so this is no proof.
fn makes_a_choice(request: &ChatRequest) -> bool {
    let is_plain = |(name, value): &(HeaderName, HeaderValue)| {
        PLAIN_HEADERS.contains(&name.as_str()) || (name == FEATURES && has_plain_features(value.as_bytes()))
    };
    !request.is_plain() || !request.passed.iter().all(is_plain)
}

fn has_plain_features(value: &[u8]) -> bool {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).all(|feature| {
        feature.is_empty() || PLAIN_FEATURES.iter().any(|plain| feature.starts_with(plain.as_bytes()))
    })
}

/// A limit of tokens that the request alone reaches, or with its answer may reach.
fn of_its_size(error: &UpstreamError, request: &ChatRequest) -> Option<FailureScope> {
    let TokenLimit { tokens: limit, unused } = error.token_limit?;
    let prompt = request.size().tokens();
    let answer = AnswerLimit::of(request).tokens().unwrap_or_default();
    if unused || prompt >= limit {
        Some(FailureScope::Request)
    } else {
        // An estimate may be half of the tokens.
        (prompt.saturating_mul(2) >= limit || prompt.saturating_add(answer) >= limit)
            .then_some(FailureScope::Open)
    }
}

/// An outage of a server that the request names: providers fetch what is at an address, and repeat what its server said.
fn of_an_address(error: &UpstreamError, request: &ChatRequest) -> Option<FailureScope> {
    if !may_have_addresses(&request.body) {
        return None;
    }
    let Some(strings) = Strings::of(request) else { return Some(FailureScope::Open) };
    let text = text_of(error);
    let mut hosts = strings.values.iter().flat_map(|value| value.split("://").skip(1).filter_map(host));
    if hosts.any(|host| names(&text, host)) {
        return Some(FailureScope::Request);
    }
    let is_address =
        |value: &String| value.trim_start().get(..4).is_some_and(|start| start.eq_ignore_ascii_case("http"));
    strings.values.iter().any(is_address).then_some(FailureScope::Open)
}

/// Whether a body may hold the `//` of an address, which JSON can escape.
fn may_have_addresses(body: &[u8]) -> bool {
    [b"//".as_slice(), b"\\/", b"\\u"].iter().any(|mark| memmem::find(body, mark).is_some())
}

/// The host after the `://` of an address, without a user and a port.
fn host(rest: &str) -> Option<&str> {
    let authority = rest.split(['/', '?', '#', ' ', '"', '\'']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    is_proof(host).then_some(host)
}

/// A limit or a budget of the user or the label that the request names.
fn of_an_owner(failure: &Failure, error: &UpstreamError, request: &ChatRequest) -> Option<FailureScope> {
    let (text, owners) = (text_of(error), owners(request));
    let repeated = || owners.iter().filter(|owner| names(&text, owner));
    if repeated().any(|owner| is_proof(owner)) || is_of_own_tags(&text, request) {
        return Some(FailureScope::Request);
    }
    let says_user = || USERS.iter().any(|word| names(&text, word));
    let is_a_budget = || failure.class == ErrorClass::QuotaExhausted && is_a_budget_without_owner(error);
    let may_be = !owners.is_empty() && (repeated().next().is_some() || says_user() || is_a_budget());
    may_be.then_some(FailureScope::Open)
}

/// A permission for something that the request refers to. One for the model says so.
fn of_a_reference(error: &UpstreamError, request: &ChatRequest, sent: &str) -> Option<FailureScope> {
    let text = text_of(error);
    if is_of_own_tags(&text, request) {
        return Some(FailureScope::Request);
    }
    let may_be = error.status == 403
        && PERMISSIONS.iter().any(|word| names(&text, word))
        && !names(&text, "model")
        && !names(&text, sent)
        && Strings::of(request).is_none_or(|strings| {
            strings.refers || strings.values.iter().any(|value| is_proof(value) && names(&text, value))
        });
    may_be.then_some(FailureScope::Open)
}

/// A missing model that the request names elsewhere than in `model`, for a tool for example.
fn of_another_model(error: &UpstreamError, request: &ChatRequest, sent: &str) -> Option<FailureScope> {
    let (mut text, sent) = (text_of(error), sent.to_lowercase());
    let Some(strings) = Strings::of(request) else {
        return (!names(&text, &sent)).then_some(FailureScope::Open);
    };
    let others = strings.values.iter().map(|value| value.trim().to_lowercase());
    let repeated: Vec<String> =
        others.filter(|value| is_proof(value) && *value != sent && names(&text, value)).collect();
    // `gpt-5` is a word of `gpt-5-mini`.
    for longer in repeated.iter().filter(|value| value.contains(&sent)) {
        text = text.replace(longer.as_str(), " ");
    }
    if names(&text, &sent) {
        None
    } else if repeated.is_empty() {
        strings.names_model.then_some(FailureScope::Open)
    } else {
        Some(FailureScope::Request)
    }
}

/// Whether no deployment of a proxy serves the tags of the request.
fn is_of_own_tags(text: &str, request: &ChatRequest) -> bool {
    let has_tags = || {
        let within = |name| json(request, name).is_some_and(|value| value.get("tags").is_some());
        value(request, "tags").is_some() || within("metadata") || within("litellm_metadata")
    };
    names(text, "tags") && has_tags()
}

/// A field as JSON; `None` if it is absent or nested too deeply.
fn json(request: &ChatRequest, name: &str) -> Option<Value> {
    serde_json::from_slice(value(request, name)?).ok()
}

/// The values that name the user of the request or its share.
fn owners(request: &ChatRequest) -> Vec<String> {
    let fields = OWNERS.iter().filter_map(|name| json(request, name));
    let metadata = json(request, "metadata");
    let members = OWNERS_IN_METADATA.iter().filter_map(|name| metadata.as_ref()?.get(name).cloned());
    let mut strings = Strings::default();
    fields.chain(members).for_each(|value| strings.add(value));
    strings.values.retain(|value| !value.trim().is_empty());
    strings.values
}

/// What the values of a request say.
#[derive(Default)]
struct Strings {
    /// All strings and numbers.
    values: Vec<String>,
    /// Whether a member refers to something of the account.
    refers: bool,
    /// Whether a member names a model.
    names_model: bool,
}

impl Strings {
    /// Reads all fields but the model. `None` means that the request is too long or nested too deeply.
    fn of(request: &ChatRequest) -> Option<Self> {
        if request.body.len() > LONGEST {
            return None;
        }
        let mut strings = Self::default();
        for part in request.parts.iter().filter(|part| part.name != "model") {
            strings.note(&part.name);
            strings.add(serde_json::from_slice(request.value(part)).ok()?);
        }
        Some(strings)
    }

    fn note(&mut self, name: &str) {
        self.refers |= REFERENCES.contains(&name);
        self.names_model |= MODELS.contains(&name);
    }

    fn add(&mut self, value: Value) {
        match value {
            Value::Null | Value::Bool(_) => {}
            Value::Number(number) => self.values.push(number.to_string()),
            Value::String(text) => self.values.push(text),
            Value::Array(items) => items.into_iter().for_each(|item| self.add(item)),
            Value::Object(members) => {
                for (name, value) in members {
                    self.note(&name);
                    self.add(value);
                }
            }
        }
    }
}

/// What the error says, in lowercase: its message, codes and parameter.
fn text_of(error: &UpstreamError) -> String {
    let labels = [&error.code, &error.kind, &error.inner_code, &error.param].into_iter().flatten();
    labels.fold(error.message.to_lowercase(), |text, label| text + " \n " + &label.to_lowercase())
}

fn is_proof(value: &str) -> bool {
    value.trim().chars().nth(PROOF - 1).is_some()
}

/// Whether a text in lowercase has a value as a whole word.
fn names(text: &str, value: &str) -> bool {
    let value = value.trim().to_lowercase();
    let continues = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    !value.is_empty()
        && text.match_indices(&value).any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default().chars().next_back();
            let after = text.get(at + value.len()..).unwrap_or_default().chars().next();
            !continues(before) && !continues(after)
        })
}
