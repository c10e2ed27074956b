//! Whether an error message is about something that belongs to the account, or that the request named: the message alone
//! cannot tell.

use super::message::Message;
use super::normalized;
use crate::providers::UpstreamError;

/// A budget of a user or a label (LiteLLM).
static BUDGETS: &[&[&str]] = &[&["budget", "user"], &["user", "budget"], &["budget", "tag="]];

/// A quota that a proxy sets aside before it calls: it may be empty, or too low for the answer that the request allows.
static QUOTAS: &[&[&str]] = &[
    &["quota", "not enough"],
    &["token quota exhausted"],
    &["user quota exhausted"],
    &["pre-consume", "quota"],
    &["额度不足"],
    &["credits", "this request"],
    &["this request", "credits"],
    &["balance", "this request"],
    &["credits", "this task"],
];

/// The owners of a budget that no request names.
const OWNERS: [&str; 4] = ["key=", "team=", "organization=", "project="];

/// The words before the name of a permission that is missing.
const PERMISSIONS: [&str; 3] = ["not authorized to perform", "permission", "does not have"];

/// The longest name of a permission, in bytes. Anything longer is a path or a sentence.
const LONGEST: usize = 80;

/// Parts of the names of permissions to call a model: `bedrock:InvokeModel`, `aiplatform.endpoints.predict`.
const TO_CALL: [&str; 5] = ["model", "inferenceprofile", "converse", "bearertoken", "endpoint"];

/// Whether the message is about a budget, a quota or a permission that may be the request's own matter.
pub(super) fn may_be_named(message: &Message) -> bool {
    BUDGETS.iter().chain(QUOTAS).any(|parts| message.fits(parts)) || lacks_another_permission(message)
}

/// Whether a budget is exceeded and the error does not name its owner. If the request names its user, it may be this
/// user's.
#[must_use]
pub fn is_a_budget_without_owner(error: &UpstreamError) -> bool {
    let message = normalized(&error.message);
    let codes = [&error.code, &error.kind].into_iter().flatten();
    let says_budget = message.contains("budget") || codes.into_iter().any(|code| code.contains("budget"));
    says_budget && !OWNERS.iter().any(|owner| message.contains(owner))
}

/// Whether a permission is missing that is not one to call a model, but to use what the request refers to: a stored
/// prompt (`bedrock:GetPrompt`), a guardrail, a file (`storage.objects.get`).
fn lacks_another_permission(message: &Message) -> bool {
    let text = message.text();
    let words = PERMISSIONS.iter().filter(|words| message.may_hold(words));
    let named = words.flat_map(|words| text.match_indices(words)).filter_map(|(at, words)| {
        let rest = text.get(at + words.len()..)?.trim_start_matches([' ', ':', '\'', '"', '`']);
        rest.split([' ', '\'', '"', '`', ',', ';']).next().map(|name| name.trim_end_matches(['.', ':']))
    });
    // `gpt-4.1` is none.
    let parts = |name: &str| name.contains(':') || name.matches('.').count() > 1;
    let is_a_permission = |name: &&str| name.len() < LONGEST && parts(name);
    let mut permissions = named.filter(is_a_permission);
    permissions.any(|name| !TO_CALL.iter().any(|part| name.contains(part)))
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::providers::parse_error;

    fn may_be(message: &str) -> bool {
        may_be_named(&Message::of(message))
    }

    #[test]
    fn parts_are_normalized() {
        let parts = BUDGETS.iter().chain(QUOTAS).flat_map(|parts| parts.iter());
        for part in parts.chain(&OWNERS).chain(&PERMISSIONS).chain(&TO_CALL) {
            assert_eq!(&normalized(part), part);
        }
    }

    #[test]
    fn a_budget_of_a_user_may_be_the_requests() {
        for message in [
            "Budget has been exceeded! User=u1 Current cost: 3.0, Max budget: 1.0",
            "ExceededBudget: User=u1 over budget. Spend=3, Budget=1",
            "Budget has been exceeded! Tag=nightly Current cost: 3.0, Max budget: 1.0",
        ] {
            assert!(may_be(message), "{message}");
        }
        let has_no_owner = |message: &str| {
            let body =
                serde_json::json!({"error": {"message": message, "type": "budget_exceeded"}}).to_string();
            let now = chrono::DateTime::UNIX_EPOCH;
            is_a_budget_without_owner(&parse_error(400, &HeaderMap::new(), body.as_bytes(), now))
        };
        let of_key = "Budget has been exceeded! Key=ours (sk-...) Current cost: 3.0, Max budget: 1.0";
        assert!(!may_be(of_key) && !has_no_owner(of_key));
        assert!(
            has_no_owner("Budget has been exceeded! Current cost: 3.0, Max budget: 1.0") && has_no_owner("")
        );
    }

    #[test]
    fn a_permission_for_what_the_request_refers_to_may_be_the_requests() {
        for message in [
            "User: arn:aws:iam::123:user/x is not authorized to perform: bedrock:GetPrompt on resource: arn:aws:bedrock:us-east-1:123:prompt/ABC",
            "User: arn:aws:iam::123:user/x is not authorized to perform: bedrock:ApplyGuardrail on resource: y",
            "x@y.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object.",
            "Permission 'storage.objects.get' denied on resource (or it may not exist).",
        ] {
            assert!(may_be(message), "{message}");
        }
        for message in [
            "User: arn:aws:iam::123:user/x is not authorized to perform: bedrock:InvokeModelWithResponseStream on resource: arn:aws:bedrock:us-east-1::foundation-model/x",
            "User: x is not authorized to perform: bedrock:GetInferenceProfile on resource: y",
            "User: x is not authorized to perform: bedrock:CallWithBearerToken",
            "not authorized to perform this operation",
            "Project x does not have gpt-4.1 enabled",
            "Permission 'aiplatform.endpoints.predict' denied on resource '//aiplatform.googleapis.com/x'",
            "Permission denied: Consumer 'api_key:x' has been suspended.",
            "The principal lacks the required permission. Ask your administrator.",
        ] {
            assert!(!may_be(message), "{message}");
        }
    }
}
