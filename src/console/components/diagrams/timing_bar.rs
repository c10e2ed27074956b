//! Where a request's time went, as one horizontal bar.
//!
//! Data only; `templates/components/chain_diagram.html` renders it.

use crate::console::components::attempt_summary::attempts;
use crate::console::components::format::duration;
use crate::store::RequestRow;

/// Width of the view box.
const WIDTH: i64 = 1_000;

/// The time of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimingBar {
    /// Accessible name of the bar.
    pub title: String,
    /// The segments, from left to right.
    pub parts: Vec<TimingSegment>,
    /// Time lost to failures, as text; empty if there was none.
    pub lost: String,
    /// Time to the first token, if any, and total time.
    pub end: String,
}

/// One attempt within the bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimingSegment {
    /// CSS class: `bad`, `good` or `wait`.
    pub tone: &'static str,
    /// Text of the tooltip.
    pub title: String,
    /// Start, in thousandths of the total.
    pub x: i64,
    /// Length, in thousandths of the total.
    pub width: i64,
}

impl TimingBar {
    /// The bar of a request; `None` if no model was called.
    #[must_use]
    pub fn of_request(request: &RequestRow) -> Option<Self> {
        let total = request.total_ms.max(1);
        let mut parts = Vec::new();
        let mut at = 0;
        let mut descriptions = Vec::new();
        let mut lost = 0;
        for attempt in attempts(request).iter().filter(|attempt| !attempt.passed_over && !attempt.is_drill())
        {
            let answered = attempt.error_class.is_none();
            // The recorded duration of the answer ends at its first token; the segment extends to the end.
            let end = if answered { total } else { (at + attempt.duration_ms).min(total) };
            let title = format!("{}: {}", attempt.model, duration(end - at));
            descriptions.push(title.clone());
            let x = at * WIDTH / total;
            let width = (end * WIDTH / total - x - 2).max(2);
            parts.push(TimingSegment { tone: if answered { "good" } else { "bad" }, title, x, width });
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
            title: format!("Where the time went: {}", descriptions.join(", ")),
            parts,
            lost: if failures > 0 { lost } else { String::new() },
            end: format!("{}{} in total", first.unwrap_or_default(), duration(request.total_ms)),
        })
    }
}
