//! The table of simulated models, used for name lookup, the module documentation and `GET /v1/models`.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::behavior::Failure::{
    BadRequest, ContentFilter, ContextOverflow, NotFound, QuotaExhausted, RateLimited, Status, Unauthorized,
};
use super::behavior::{Behavior, Failure, LONGEST_MILLISECONDS, LONGEST_SECONDS, number_in};

/// A row of the table of simulated models.
#[derive(Debug)]
pub struct SimulatedModel {
    /// The name without `sim/`; `N`s stand for a number.
    pub name: &'static str,
    /// A name of this row that can be called.
    pub example: &'static str,
    /// The `error_class` that failsoft records for it, or a note if it causes none or several.
    pub class: &'static str,
    /// A short description of its behavior.
    pub what: &'static str,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Name(Behavior),
    Number(RangeInclusive<u32>, fn(u32) -> Behavior),
}

/// Every simulated model. An exact name precedes the pattern that would match it too.
pub const MODELS: &[SimulatedModel] = &[
    fixed("steady", "none", "answers at once", Behavior::Answer),
    SimulatedModel {
        name: "slow-Ns",
        example: "slow-10s",
        class: "timeout",
        what: "answers after N seconds without a byte",
        source: Source::Number(0..=LONGEST_SECONDS, |n| Behavior::AnswerAfter(Duration::from_secs(n.into()))),
    },
    SimulatedModel {
        name: "slow-Nms",
        example: "slow-500ms",
        class: "timeout",
        what: "answers after N milliseconds without a byte",
        source: Source::Number(0..=LONGEST_MILLISECONDS, |n| {
            Behavior::AnswerAfter(Duration::from_millis(n.into()))
        }),
    },
    SimulatedModel {
        name: "flaky-NN",
        example: "flaky-40",
        class: "overloaded",
        what: "fails NN of every 100 calls with 503, evenly spread, and answers the others",
        source: Source::Number(0..=100, Behavior::Flaky),
    },
    refusing(
        "rate-limited",
        "rate_limited",
        "429 with Retry-After: 1",
        RateLimited { retry_after_seconds: 1 },
    ),
    SimulatedModel {
        name: "rate-limited-Ns",
        example: "rate-limited-30s",
        class: "rate_limited",
        what: "429 with Retry-After: N",
        source: Source::Number(0..=LONGEST_SECONDS, |n| {
            Behavior::Refuse(RateLimited { retry_after_seconds: n })
        }),
    },
    refusing("quota-exhausted", "quota_exhausted", "429 with the code insufficient_quota", QuotaExhausted),
    refusing("error-500", "unavailable", "500", Status(500)),
    refusing("error-502", "unavailable", "502", Status(502)),
    refusing("error-503", "overloaded", "503", Status(503)),
    refusing("error-529", "overloaded", "529", Status(529)),
    SimulatedModel {
        name: "error-NNN",
        example: "error-504",
        class: "that of the status",
        what: "any status from 400 to 599",
        source: Source::Number(400..=599, |n| Behavior::Refuse(Status(u16::try_from(n).unwrap_or(500)))),
    },
    fixed("hang", "timeout", "never answers", Behavior::Hang),
    fixed(
        "cut-midstream",
        "stream_interrupted",
        "drops the connection halfway; without stream: invalid_response, half a body",
        Behavior::Cut,
    ),
    refusing(
        "context-overflow",
        "context_window_exceeded",
        "400 with the code context_length_exceeded",
        ContextOverflow,
    ),
    refusing("content-filter", "content_policy", "400 with the code content_policy_violation", ContentFilter),
    fixed(
        "content-filter-finish",
        "content_policy",
        "200 with finish_reason content_filter and no content",
        Behavior::FilteredFinish,
    ),
    fixed("garbage", "invalid_response", "200 with an HTML page", Behavior::Html),
    fixed("broken-json", "invalid_response", "200 with JSON that ends in the middle", Behavior::BrokenJson),
    fixed("empty", "invalid_response", "200 with an empty body or stream", Behavior::Empty),
    fixed("error-in-200", "overloaded", "200 with an error object with the code 503", Behavior::ErrorInside),
    refusing("unauthorized", "authentication", "401 with the code invalid_api_key", Unauthorized),
    refusing("not-found", "model_not_found", "404 with the code model_not_found", NotFound),
    refusing("bad-request", "invalid_request", "400 with the code invalid_request", BadRequest),
    fixed(
        "bad-signature",
        "invalid_request, or none",
        "400 for reasoning in the history that it has not signed, or that is missing",
        Behavior::BadSignature,
    ),
    fixed(
        "stop-with-tools",
        "none",
        "calls a tool and says that it has ended, or answers and says that it calls one",
        Behavior::StopWithTools,
    ),
    fixed("late-thinking", "none", "thinks after its answer has begun", Behavior::LateThinking),
    fixed(
        "bad-crc",
        "stream_interrupted, or none",
        "a wrong checksum after the first content of a stream of Converse; answers in other dialects",
        Behavior::BadChecksum,
    ),
    fixed(
        "missing-index",
        "invalid_response, or none",
        "a list of results, such as embeddings, without its last one; answers where there is no list",
        Behavior::MissingIndex,
    ),
    fixed(
        "wrong-dimension",
        "invalid_response, or none",
        "the last vector has one number too many; answers where there are no vectors",
        Behavior::WrongDimension,
    ),
    fixed(
        "html-as-audio",
        "invalid_response, or none",
        "an HTML page with the content type of the sound; answers where there is no speech",
        Behavior::HtmlAsAudio,
    ),
];

const fn fixed(
    name: &'static str,
    class: &'static str,
    what: &'static str,
    behavior: Behavior,
) -> SimulatedModel {
    SimulatedModel { name, example: name, class, what, source: Source::Name(behavior) }
}

const fn refusing(
    name: &'static str,
    class: &'static str,
    what: &'static str,
    failure: Failure,
) -> SimulatedModel {
    fixed(name, class, what, Behavior::Refuse(failure))
}

impl SimulatedModel {
    /// The behavior of this row under `name`; `None` if the name does not belong to this row.
    pub(super) fn behavior_of(&self, name: &str) -> Option<Behavior> {
        match &self.source {
            Source::Name(behavior) => (name == self.name).then_some(*behavior),
            Source::Number(numbers, behavior) => {
                let (prefix, rest) = self.name.split_once('N')?;
                let digits = name.strip_prefix(prefix)?.strip_suffix(rest.trim_start_matches('N'))?;
                number_in(digits, numbers).map(behavior)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::behavior::find;
    use super::*;

    #[test]
    fn every_row_is_reached_by_its_example_and_stands_in_the_documentation() {
        let documentation = include_str!("mod.rs");
        for model in MODELS {
            let first =
                MODELS.iter().find(|row| row.behavior_of(model.example).is_some()).expect(model.example);
            assert_eq!(first.name, model.name, "{} belongs to another row", model.example);
            assert!(find(model.example).is_some(), "{}", model.example);
            assert_eq!(find(model.example), find(&format!("sim/{}", model.example)));
            let row = format!("//! | `{}` | {} | {} |\n", model.name, model.class, model.what);
            assert!(documentation.contains(&row), "missing in the module documentation: {row}");
        }
        let rows = documentation.lines().filter(|line| line.starts_with("//! | `")).count();
        assert_eq!(rows, MODELS.len());
    }

    #[test]
    fn every_class_that_a_provider_can_cause_has_a_name() {
        for class in [
            "rate_limited",
            "quota_exhausted",
            "overloaded",
            "unavailable",
            "timeout",
            "context_window_exceeded",
            "content_policy",
            "authentication",
            "model_not_found",
            "invalid_request",
            "invalid_response",
            "stream_interrupted",
        ] {
            assert!(MODELS.iter().any(|model| model.class == class), "{class}");
        }
    }
}
