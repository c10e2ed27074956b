//! The behaviors of simulated models, and how they are encoded in the model name.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::models::MODELS;

/// One hour: longer than any timeout that is worth testing.
pub(super) const LONGEST_SECONDS: u32 = 3_600;
pub(super) const LONGEST_MILLISECONDS: u32 = LONGEST_SECONDS * 1_000;

/// An answer that is not streamed is built in memory, so its length is limited (about 6 MB).
const MOST_CHUNKS: u32 = 1_000_000;

/// What a simulated model does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behavior {
    Answer,
    AnswerAfter(Duration),
    /// Fails this many of every 100 calls with 503.
    Flaky(u32),
    Cut,
    FilteredFinish,
    /// Refuses a history with reasoning that it has not signed.
    BadSignature,
    /// Ends with a reason that does not fit what it wrote.
    StopWithTools,
    /// Thinks after its answer has begun.
    LateThinking,
    /// Answers with a stream in which a checksum is wrong.
    BadChecksum,
    /// Answers with a list that lacks its last result.
    MissingIndex,
    /// Answers with a vector that has one number too many.
    WrongDimension,
    /// Answers with a page that is called sound.
    HtmlAsAudio,
    Hang,
    Html,
    BrokenJson,
    Empty,
    ErrorInside,
    Refuse(Failure),
}

/// A failure with an error status and an error body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    RateLimited { retry_after_seconds: u32 },
    QuotaExhausted,
    ContextOverflow,
    ContentFilter,
    Unauthorized,
    NotFound,
    BadRequest,
    Status(u16),
}

/// The length and speed that a name asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Pace {
    /// The number of words, each in its own content chunk; `None` uses the length of the text.
    pub(super) chunks: Option<usize>,
    /// Pause before every content chunk but the first.
    pub(super) gap: Option<Duration>,
}

impl Behavior {
    /// Whether a length and speed apply to it.
    fn answers(self) -> bool {
        match self {
            Self::Answer
            | Self::AnswerAfter(_)
            | Self::Flaky(_)
            | Self::Cut
            | Self::BadSignature
            | Self::StopWithTools
            | Self::LateThinking
            | Self::BadChecksum
            | Self::MissingIndex
            | Self::WrongDimension
            | Self::HtmlAsAudio => true,
            Self::FilteredFinish
            | Self::Hang
            | Self::Html
            | Self::BrokenJson
            | Self::Empty
            | Self::ErrorInside
            | Self::Refuse(_) => false,
        }
    }
}

/// The behavior and pace of the model with this name; `None` if no row matches. The name of a real model may be before it.
pub(super) fn find(name: &str) -> Option<(Behavior, Pace)> {
    let name = match name.rsplit_once(':') {
        Some((real, name)) if !real.is_empty() => name,
        Some(_) | None => name.strip_prefix("sim/").unwrap_or(name),
    };
    let (base, pace) = split_pace(name);
    let behavior = MODELS.iter().find_map(|model| model.behavior_of(base))?;
    (behavior.answers() || pace == Pace::default()).then_some((behavior, pace))
}

/// Takes `-chunks-N` and `-gap-Nms`, each once and in either order, off the end of a name.
fn split_pace(name: &str) -> (&str, Pace) {
    let (mut base, mut pace) = (name, Pace::default());
    loop {
        if pace.chunks.is_none()
            && let Some((before, chunks)) = split_number(base, "-chunks-", "", 1..=MOST_CHUNKS)
        {
            (base, pace.chunks) = (before, usize::try_from(chunks).ok());
        } else if pace.gap.is_none()
            && let Some((before, gap)) = split_number(base, "-gap-", "ms", 0..=LONGEST_MILLISECONDS)
        {
            (base, pace.gap) = (before, Some(Duration::from_millis(gap.into())));
        } else {
            return (base, pace);
        }
    }
}

fn split_number<'a>(
    name: &'a str,
    marker: &str,
    unit: &str,
    numbers: RangeInclusive<u32>,
) -> Option<(&'a str, u32)> {
    let (before, after) = name.rsplit_once(marker)?;
    Some((before, number_in(after.strip_suffix(unit)?, &numbers)?))
}

/// Digits only: Rust's own parser would accept a sign as well.
pub(super) fn number_in(digits: &str, numbers: &RangeInclusive<u32>) -> Option<u32> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && numbers.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_read_and_bounded() {
        let behavior = |name| find(name).map(|(behavior, _)| behavior);
        assert_eq!(behavior("slow-10s"), Some(Behavior::AnswerAfter(Duration::from_secs(10))));
        assert_eq!(behavior("slow-10ms"), Some(Behavior::AnswerAfter(Duration::from_millis(10))));
        assert_eq!(behavior("flaky-40"), Some(Behavior::Flaky(40)));
        assert_eq!(behavior("error-418"), Some(Behavior::Refuse(Failure::Status(418))));
        assert_eq!(
            behavior("rate-limited-20s"),
            Some(Behavior::Refuse(Failure::RateLimited { retry_after_seconds: 20 }))
        );
        for name in
            ["slow-3601s", "slow-s", "slow-+1s", "slow-10", "flaky-101", "flaky--1", "error-200", "error-600"]
        {
            assert_eq!(behavior(name), None, "{name}");
        }
        for name in ["", "sim/", "sim/sim/steady", "Steady", "steady ", "gpt-4o", "slow-Ns", "flaky-NN"] {
            assert_eq!(behavior(name), None, "{name}");
        }
    }

    #[test]
    fn the_name_of_a_real_model_may_come_first() {
        let answer = Some((Behavior::Answer, Pace::default()));
        for name in [
            "claude-sonnet-4-5:steady",
            "sim/claude-sonnet-4-5:steady",
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0:steady",
        ] {
            assert_eq!(find(name), answer, "{name}");
        }
        for name in
            [":steady", "claude-sonnet-4-5:", "claude-sonnet-4-5", "claude:sim/steady", "steady:claude"]
        {
            assert_eq!(find(name), None, "{name}");
        }
    }

    #[test]
    fn length_and_speed_come_after_a_name_that_answers() {
        let both = Pace { chunks: Some(100), gap: Some(Duration::from_millis(20)) };
        assert_eq!(find("steady-chunks-100-gap-20ms"), Some((Behavior::Answer, both)));
        assert_eq!(find("sim/steady-gap-20ms-chunks-100"), Some((Behavior::Answer, both)));
        assert_eq!(find("flaky-40-chunks-100-gap-20ms"), Some((Behavior::Flaky(40), both)));
        assert_eq!(
            find("cut-midstream-chunks-7"),
            Some((Behavior::Cut, Pace { chunks: Some(7), gap: None }))
        );
        for name in [
            "steady-chunks-0",
            "steady-chunks-1000001",
            "steady-chunks-1-chunks-2",
            "steady-gap-20",
            "steady-gap-1ms-gap-1ms",
            "hang-gap-1ms",
            "error-500-chunks-3",
            "-chunks-3",
        ] {
            assert_eq!(find(name), None, "{name}");
        }
    }
}
