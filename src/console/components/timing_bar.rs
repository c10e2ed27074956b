//! Where a request's time went, as a strip from its beginning to its end.
//!
//! Data only; `templates/parts/rail.html` draws it.

use crate::console::components::attempt_summary::attempts;
use crate::console::components::format::duration;
use crate::store::RequestRow;

/// The width of the drawing.
const WIDTH: i64 = 1_000;

/// The time of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Strip {
    /// What it shows, for those who do not see it.
    pub title: String,
    /// From left to right.
    pub parts: Vec<StripPart>,
    /// What was lost to failures; empty if nothing was.
    pub lost: String,
    /// The time to the first token, if there was one, and the whole.
    pub end: String,
}

/// What one stretch of the time was spent on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StripPart {
    /// How it looks: `bad`, `good` or `wait`.
    pub tone: &'static str,
    /// What it was.
    pub title: String,
    /// Where it begins, of 1,000.
    pub x: i64,
    /// How long it is, of 1,000.
    pub width: i64,
}

impl Strip {
    /// The time of a request that took any.
    #[must_use]
    pub fn of_request(request: &RequestRow) -> Option<Self> {
        let total = request.total_ms.max(1);
        let mut parts = Vec::new();
        let mut at = 0;
        let mut said = Vec::new();
        let mut lost = 0;
        for attempt in attempts(request).iter().filter(|attempt| !attempt.passed_over && !attempt.is_drill())
        {
            let answered = attempt.error_class.is_none();
            // What the answer took goes on to the end; what is recorded is the time to its first token.
            let end = if answered { total } else { (at + attempt.duration_ms).min(total) };
            let title = format!("{}: {}", attempt.model, duration(end - at));
            said.push(title.clone());
            let x = at * WIDTH / total;
            let width = (end * WIDTH / total - x - 2).max(2);
            parts.push(StripPart { tone: if answered { "good" } else { "bad" }, title, x, width });
            lost += if answered { 0 } else { end - at };
            at = end;
        }
        if parts.is_empty() {
            return None;
        }
        let failures = parts.iter().filter(|part| part.tone == "bad").count();
        let lost = format!("{} lost to failures", duration(lost));
        let first = request.first_frame_ms.map(|first| format!("first token after {}, ", duration(first)));
        Some(Self {
            title: format!("Where the time went: {}", said.join(", ")),
            parts,
            lost: if failures > 0 { lost } else { String::new() },
            end: format!("{}{} in all", first.unwrap_or_default(), duration(request.total_ms)),
        })
    }
}
