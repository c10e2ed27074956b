//! The fields that limit requests and tokens: of a key, of the organization, and of a model inside either.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

use crate::api::body::values::Whole;
use crate::api::body::{Body, BodyValue, Field, Patch, Schemas, body, reference};
use crate::store::{Limits, ModelLimits};
use crate::validation::bounds::{CONCURRENT_REQUESTS, LIMITED_TOKENS, REQUESTS_PER_DAY, REQUESTS_PER_MINUTE};

body! {
    /// Limits of requests and tokens. They hold for all processes of the gateway together.
    pub struct LimitFields {
        /// Requests per minute; null: no limit.
        pub requests_per_minute: Patch<RequestsPerMinute>,
        /// Requests per UTC day; null: no limit.
        pub requests_per_day: Patch<RequestsPerDay>,
        /// Tokens per minute, of prompts and answers together; null: no limit.
        pub tokens_per_minute: Patch<LimitedTokens>,
        /// Tokens per UTC day, of prompts and answers together; null: no limit.
        pub tokens_per_day: Patch<LimitedTokens>,
        /// Concurrent requests; null: no limit.
        pub concurrent_requests: Patch<ConcurrentRequests>,
    }
}

/// Requests per minute of a key, an organization or a provider.
pub type RequestsPerMinute = Whole<{ *REQUESTS_PER_MINUTE.start() }, { *REQUESTS_PER_MINUTE.end() }>;
type RequestsPerDay = Whole<{ *REQUESTS_PER_DAY.start() }, { *REQUESTS_PER_DAY.end() }>;
/// Tokens per minute or day.
pub type LimitedTokens = Whole<{ *LIMITED_TOKENS.start() }, { *LIMITED_TOKENS.end() }>;
type ConcurrentRequests = Whole<{ *CONCURRENT_REQUESTS.start() }, { *CONCURRENT_REQUESTS.end() }>;

impl LimitFields {
    /// The limits that the fields set; null and absent are the same.
    pub fn values(self) -> Limits {
        Limits {
            requests_per_minute: self.requests_per_minute.value(),
            requests_per_day: self.requests_per_day.value(),
            tokens_per_minute: self.tokens_per_minute.value(),
            tokens_per_day: self.tokens_per_day.value(),
            concurrent_requests: self.concurrent_requests.value(),
        }
    }
}

/// The limits of single models, by their names.
#[derive(Debug)]
pub struct LimitsByModel(ModelLimits);

impl From<LimitsByModel> for ModelLimits {
    fn from(limits: LimitsByModel) -> Self {
        limits.0
    }
}

impl BodyValue for LimitsByModel {
    fn read(field: &mut Field<'_>, value: Value) -> Option<Self> {
        field.members(value, |models| {
            let mut all = Some(BTreeMap::new());
            for (model, value) in models.take_all() {
                let limits = Field::new(models, &model, false).members(value, <LimitFields as Body>::read);
                all = all.zip(limits).map(|(mut all, limits)| {
                    all.insert(model, limits.values());
                    all
                });
            }
            let mut all = all?;
            all.retain(|_, limits| !limits.is_empty());
            Some(Self(ModelLimits(all)))
        })
    }

    fn schema(schemas: &mut Schemas) -> RefOr<Schema> {
        ObjectBuilder::new().additional_properties(Some(reference::<LimitFields>(schemas))).into()
    }
}

/// The names of the models that a body limits, valid or not.
pub fn limited_models(body: &Value) -> impl Iterator<Item = &String> {
    body.get("model_limits").and_then(Value::as_object).into_iter().flat_map(|models| models.keys())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::error::Error;

    body! {
        /// Something that has limits.
        struct Limited {
            limits: LimitFields,
            /// The limits of single models.
            model_limits: Patch<LimitsByModel>,
        }
    }

    fn read(body: &Value) -> Result<(Limits, ModelLimits), Vec<String>> {
        match Limited::parse(body.to_string().as_bytes()) {
            Ok(body) => Ok((body.limits.values(), body.model_limits.value().unwrap_or_default())),
            Err(Error::Invalid(violations)) => {
                Err(violations.into_iter().map(|violation| violation.message).collect())
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn limits_are_of_all_models_and_of_each() {
        let body = json!({
            "tokens_per_day": 5, "requests_per_day": null,
            "model_limits": {"a": {"requests_per_minute": 1_000_000}, "b": {"tokens_per_day": null}, "c": {}},
        });
        let (limits, models) = read(&body).expect("limits");
        assert_eq!(limits, Limits { tokens_per_day: Some(5), ..Limits::default() });
        let of_a = Limits { requests_per_minute: Some(1_000_000), ..Limits::default() };
        assert_eq!(models, ModelLimits([("a".to_owned(), of_a)].into()));
        assert_eq!(limited_models(&body).collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_no_limit_is_refused_at_its_place() {
        let huge: Value = serde_json::from_str("9223372036854775808").expect("a number");
        let body = json!({
            "tokens_per_minute": 0, "tokens_per_day": huge, "concurrent_requests": -1, "requests_per_day": 1.5,
            "model_limits": {"a": {"requests_per_minute": 1_000_001, "request_per_day": 5}, "b": 7},
        });
        let mut problems = read(&body).expect_err("limits");
        problems.sort();
        assert_eq!(
            problems,
            [
                "'concurrent_requests' must be from 1 to 100000.",
                "'model_limits.a.requests_per_minute' must be from 1 to 1000000.",
                "'model_limits.b' must be an object.",
                "'requests_per_day' must be a whole number or null.",
                "'tokens_per_day' must be from 1 to 1000000000000.",
                "'tokens_per_minute' must be from 1 to 1000000000000.",
                "There is no field 'model_limits.a.request_per_day' here. Check its spelling.",
            ]
        );
    }
}
