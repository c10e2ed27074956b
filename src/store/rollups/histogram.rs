//! Histograms of durations in milliseconds on a fixed logarithmic scale. Counts can be added over buckets; percentiles
//! cannot.

/// The number of steps.
const STEPS: usize = 48;
/// The index of the last step.
const LAST: i32 = 47;
/// The number of steps in which the duration doubles.
const DOUBLING: i32 = 3;
/// The upper bound of the first step in milliseconds. The last step starts at almost seven minutes and has no upper
/// bound.
const FIRST: f64 = 8.0;

/// A histogram of durations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    counts: [i64; STEPS],
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: [0; STEPS] }
    }
}

/// The upper bound of a step in milliseconds.
fn end(step: usize) -> f64 {
    FIRST * 2_f64.powf(f64::from(i32::try_from(step).unwrap_or(i32::MAX)) / f64::from(DOUBLING))
}

/// The step of a duration.
pub(super) fn step(milliseconds: i64) -> i32 {
    #[expect(clippy::cast_precision_loss, reason = "a millisecond more or less in 300,000 years")]
    let time = milliseconds as f64;
    if time < FIRST {
        return 0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "three times a logarithm of an i64")]
    let step = ((time / FIRST).log2() * f64::from(DOUBLING)).floor() as i32 + 1;
    step.min(LAST)
}

impl Histogram {
    /// Counts `requests` requests with that duration.
    pub fn count(&mut self, milliseconds: i64, requests: i64) {
        self.add(step(milliseconds), requests);
    }

    /// Adds requests to a step. Unknown steps are ignored.
    pub(super) fn add(&mut self, step: i32, requests: i64) {
        let count = usize::try_from(step).ok().and_then(|step| self.counts.get_mut(step));
        if let Some(count) = count {
            *count += requests;
        }
    }

    /// The duration in milliseconds within which `percent` percent of the requests ended, accurate to about 25 percent.
    /// `None` if there are no requests.
    #[must_use]
    pub fn percentile(&self, percent: i64) -> Option<i64> {
        let total: i64 = self.counts.iter().sum();
        if total <= 0 {
            return None;
        }
        let wanted = (total * percent + 99) / 100;
        let mut below = 0;
        for (step, count) in self.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            if below + count >= wanted {
                let start = if step == 0 { 0.0 } else { end(step - 1) };
                #[expect(clippy::cast_precision_loss, reason = "counts of one span")]
                let within = (wanted - below) as f64 / *count as f64;
                #[expect(clippy::cast_possible_truncation, reason = "the scale ends below 2^20")]
                return Some((start + (end(step) - start) * within).round() as i64);
            }
            below += count;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(times: impl IntoIterator<Item = i64>) -> Histogram {
        let mut scale = Histogram::default();
        times.into_iter().for_each(|time| scale.count(time, 1));
        scale
    }

    #[test]
    fn percentiles_are_right_to_a_step() {
        assert_eq!(Histogram::default().percentile(50), None);
        for (percent, time) in [(50, 500), (95, 950), (100, 1_000)] {
            let found = scale(1..=1_000).percentile(percent).expect("a time");
            assert!((found - time).abs() * 4 <= time, "{percent}: {found}");
        }
    }

    #[test]
    fn every_time_has_a_step_and_a_step_that_is_none_counts_nothing() {
        let mut scale = scale([-5, 0, 400_000, i64::MAX]);
        assert_eq!(scale.counts.iter().sum::<i64>(), 4);
        scale.add(-1, 1);
        scale.add(i32::MAX, 1);
        assert_eq!(scale.counts.iter().sum::<i64>(), 4);
    }
}
