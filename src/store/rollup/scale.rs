//! Milliseconds as counts on a fixed logarithmic scale: counts add up over buckets, percentiles do not.
//!
//! Pure.

use serde_json::{Value, json};

/// Steps of the scale.
pub(in crate::store) const STEPS: usize = 48;
/// Steps to twice the time.
const DOUBLING: i32 = 3;
/// The upper end of the first step, in milliseconds; the last has none, and begins at nearly seven minutes.
const FIRST: f64 = 8.0;

/// Times, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    counts: [i64; STEPS],
}

impl Default for Scale {
    fn default() -> Self {
        Self { counts: [0; STEPS] }
    }
}

/// The upper end of a step.
fn end(step: usize) -> f64 {
    FIRST * 2_f64.powf(f64::from(i32::try_from(step).unwrap_or(i32::MAX)) / f64::from(DOUBLING))
}

impl Scale {
    /// Counts a time as `number` requests, which is negative where a count is taken back.
    pub fn count(&mut self, milliseconds: i64, number: i64) {
        #[expect(clippy::cast_precision_loss, reason = "a millisecond more or less in 300,000 years")]
        let time = milliseconds as f64;
        let step = (0..STEPS - 1).find(|step| time < end(*step)).unwrap_or(STEPS - 1);
        if let Some(count) = self.counts.get_mut(step) {
            *count += number;
        }
    }

    /// Takes over another's counts.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }

    /// The time within which that share of the requests lies, in milliseconds, correct to a step, which is a quarter
    /// more or less; none if nothing was counted.
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

    /// As it is stored.
    pub(in crate::store) fn to_json(&self) -> Value {
        json!(self.counts.to_vec())
    }

    /// As it was stored; what is no count is none.
    pub(in crate::store) fn from_json(json: &Value) -> Self {
        let mut scale = Self::default();
        for (count, stored) in scale.counts.iter_mut().zip(json.as_array().into_iter().flatten()) {
            *count = stored.as_i64().unwrap_or(0);
        }
        scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_step() {
        let mut scale = Scale::default();
        assert_eq!(scale.percentile(50), None);
        (1..=1_000).for_each(|time| scale.count(time, 1));
        for (percent, time) in [(50, 500), (95, 950), (100, 1_000)] {
            let found = scale.percentile(percent).expect("a time");
            assert!((found - time).abs() * 4 <= time, "{percent}: {found}");
        }
        for far in [-5, 0, 400_000, i64::MAX] {
            scale.count(far, 1);
        }
        assert_eq!(scale.counts.iter().sum::<i64>(), 1_004);
    }

    #[test]
    fn counts_add_up_and_can_be_taken_back() {
        let (mut one, mut other) = (Scale::default(), Scale::default());
        one.count(100, 2);
        other.count(100, -1);
        other.count(5_000, 1);
        one.add(&other);
        assert_eq!(one, Scale::from_json(&one.to_json()));
        assert_eq!(one.counts.iter().sum::<i64>(), 2);
        assert_eq!(Scale::from_json(&json!(["x", null])), Scale::default());
    }
}
