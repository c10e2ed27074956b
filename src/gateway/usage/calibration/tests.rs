//! What counts teach, and how little those of one caller matter to others.

use serde_json::value::RawValue;

use super::*;

fn size(text: &str, pieces: u64) -> TextSize {
    let raw = RawValue::from_string(serde_json::Value::from(text).to_string()).expect("JSON");
    let mut size = TextSize::of_value(&raw);
    size.pieces = pieces;
    size
}

const WORDS: &str = "It was a bright cold day in April and the clocks were striking thirteen. ";

#[test]
fn a_stream_of_tokens_is_counted_by_its_pieces() {
    let calibration = TokenCalibration::default();
    assert_eq!(calibration.answer(&size(WORDS, 17)), 17);
    // Three large pieces are no tokens.
    assert!((14..=20).contains(&calibration.answer(&size(WORDS, 3))));
}

#[test]
fn the_rule_that_was_right_is_asked() {
    let calibration = TokenCalibration::default();
    let texts = [WORDS, "{\"a\": 1, \"b\": [2, 3]}; ", "x = y * 77 - z // 12; ", "Œuvre naïve, où? "];
    for length in 1..20 {
        let text = texts[length % texts.len()].repeat(length);
        let size = size(&text, 3 * length as u64);
        // A provider that reckons three bytes to a token.
        calibration.answer_counted(&size, size.bytes.div_ceil(3).cast_signed());
    }
    let japanese = size(&"名前はまだ無い。".repeat(9), 40);
    let counted = japanese.bytes.div_ceil(3).cast_signed();
    assert!(calibration.answer(&japanese).abs_diff(counted) * 20 <= counted.unsigned_abs());
}

#[test]
fn the_answers_of_a_known_model_are_sampled() {
    let calibration = TokenCalibration::default();
    for _ in 0..16 {
        assert!(calibration.samples_answer());
        calibration.answer_counted(&size(WORDS, 0), 17);
    }
    assert_eq!((0..640).filter(|_| calibration.samples_answer()).count(), 10);
}

#[test]
fn a_provider_that_never_counts_right_is_sampled_too() {
    let calibration = TokenCalibration::default();
    for _ in 0..16 {
        assert!(calibration.samples_prompt());
        calibration.prompt_counted(&size(WORDS, 0), 1_000_000);
    }
    assert_eq!((0..640).filter(|_| calibration.samples_prompt()).count(), 10);
}

#[test]
fn one_hostile_count_does_not_carry_over() {
    let calibration = TokenCalibration::default();
    for _ in 0..16 {
        calibration.answer_counted(&size(WORDS, 0), 17);
    }
    calibration.answer_counted(&size(WORDS, 0), 1_000_000_000);
    assert!((14..=24).contains(&calibration.answer(&size(WORDS, 0))));
}

#[test]
fn habits_are_bounded() {
    let calibrations = TokenCalibrations::default();
    for number in 0..=MOST_MODELS as u128 {
        let _ = calibrations.of(ModelId(uuid::Uuid::from_u128(number)), 1);
    }
    assert!(calibrations.by_model.len() <= MOST_MODELS);
}

/// A model of which the provider counts this many times the usual tokens for each caller.
fn model(factors: &[(u64, f64)]) -> TokenCalibrations {
    let calibrations = TokenCalibrations::default();
    let text = WORDS.repeat(50);
    let neutral = calibrations.of(MODEL, 0).answer(&size(&text, 0));
    for (caller, factor) in factors {
        for _ in 0..300 {
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small counts")]
            let tokens = (neutral as f64 * factor) as i64;
            calibrations.of(MODEL, *caller).answer_counted(&size(&text, 0), tokens);
        }
    }
    calibrations
}

const MODEL: ModelId = ModelId(uuid::Uuid::nil());

/// The estimate for a caller in percent of one without any counts.
fn percent(calibrations: &TokenCalibrations, caller: u64) -> i64 {
    let text = size(&WORDS.repeat(50), 0);
    calibrations.of(MODEL, caller).answer(&text) * 100 / TokenCalibration::default().answer(&text)
}

#[test]
fn one_caller_moves_the_estimates_of_others_by_a_tenth_at_most() {
    for factor in [0.3, 0.5, 2.0, 3.5] {
        let one = model(&[(1, factor)]);
        assert!((90..=111).contains(&percent(&one, 2)), "{factor}: {}", percent(&one, 2));
        // Beside four honest ones it is less.
        let few = model(&[(1, factor), (2, 1.0), (3, 1.0), (4, 1.0), (5, 1.0)]);
        assert!((93..=107).contains(&percent(&few, 6)), "{factor}: {}", percent(&few, 6));
        // With counts of its own, a caller needs no others.
        assert!((99..=101).contains(&percent(&few, 2)), "{factor}: {}", percent(&few, 2));
    }
    let own = percent(&model(&[(1, 1.5)]), 1);
    assert!((149..=151).contains(&own), "its own counts are believed: {own}");
}

#[test]
fn a_caller_that_makes_another_estimator_look_better_moves_others_no_further() {
    let calibrations = TokenCalibrations::default();
    let (foreign, plain) = ("名前はまだ無い。".repeat(60), WORDS.repeat(40));
    let before = calibrations.of(MODEL, 2).answer(&size(&foreign, 0));
    for _ in 0..300 {
        let size = size(&plain, 0);
        // Two bytes to a token: by bytes, the other text has far more.
        calibrations.of(MODEL, 1).answer_counted(&size, size.bytes.div_ceil(2).cast_signed());
    }
    let after = calibrations.of(MODEL, 2).answer(&size(&foreign, 0));
    assert!(after.abs_diff(before) * 100 <= before.unsigned_abs() * 11, "{before} {after}");
}

#[test]
fn many_callers_are_followed_when_they_agree() {
    let factors: Vec<(u64, f64)> = (1..=14).map(|caller| (caller, 1.5)).collect();
    assert!((130..=150).contains(&percent(&model(&factors), 99)));
}

#[test]
fn callers_that_take_turns_are_bounded_and_only_sampled() {
    let calibrations = TokenCalibrations::default();
    let measured = (0..200).flat_map(|_| 0..100_u64).filter(|caller| {
        let calibration = calibrations.of(MODEL, *caller);
        let samples = calibration.samples_answer();
        if samples {
            calibration.answer_counted(&size(WORDS, 0), 17);
        }
        samples
    });
    // The first 16 callers have 16 first texts each.
    assert!(measured.count() <= 16 * 16 + 20_000 / 64 + 1);
}
