//! Prices that only some vendors have: of long prompts, and of reasoning apart from the answer.

use super::*;

#[test]
fn a_long_prompt_costs_its_own_price_from_the_first_token_on() {
    let long = LongPrompt {
        above: 200_000,
        input: Some(2_500_000),
        output: Some(15_000_000),
        cache_read: Some(250_000),
        ..LongPrompt::default()
    };
    let stepped =
        ModelPrice { cache_read: Some(125_000), long_prompt: Some(long), ..price(1_250_000, 10_000_000) };
    let of = |input: i64, cached: i64| Usage { input, cached, output: 1_000, ..Usage::default() };
    assert_eq!(of(200_000, 0).cost(&stepped), Some(200_000 * 1_250 + 1_000 * 10_000));
    assert_eq!(of(200_001, 0).cost(&stepped), Some(200_001 * 2_500 + 1_000 * 15_000));
    // What was cached counts for the length.
    assert_eq!(of(300_000, 200_000).cost(&stepped), Some(100_000 * 2_500 + 200_000 * 250 + 1_000 * 15_000));
    let unknown =
        ModelPrice { long_prompt: Some(LongPrompt { above: 200_000, ..LongPrompt::default() }), ..stepped };
    assert_eq!(of(200_001, 0).cost(&unknown), None);
    // What is kept for an hour has its own price here, too, or none.
    let kept = Usage { cache_write: 3_001, cache_write_1h: 1_001, ..of(300_000, 200_000) };
    let hourly = LongPrompt { cache_write: Some(3_125_000), cache_write_1h: Some(5_000_000), ..long };
    let others = 200_000 * 250 + 1_000 * 15_000;
    assert_eq!(
        kept.cost(&ModelPrice { long_prompt: Some(hourly), ..stepped }),
        Some(96_999 * 2_500 + 2_000 * 3_125 + 1_001 * 5_000 + others)
    );
    let short = ModelPrice { cache_write_1h: Some(2_500_000), ..stepped };
    assert_eq!((kept.cost(&short), kept.known_cost(&short)), (None, 100_000 * 2_500 + others));
}

#[test]
fn reasoning_costs_its_own_price_where_it_has_one() {
    let listed = price(2_000_000, 8_000_000);
    let apart = ModelPrice { reasoning: Some(3_000_000), ..listed };
    for (usage, input, written, reasoning) in [
        (
            r#"{"prompt_tokens":19,"completion_tokens":498,"completion_tokens_details":{"reasoning_tokens":95},"total_tokens":517}"#,
            19,
            403,
            95,
        ),
        // Beside the answer.
        (
            r#"{"prompt_tokens":32,"completion_tokens":9,"total_tokens":135,"completion_tokens_details":{"reasoning_tokens":94}}"#,
            32,
            9,
            94,
        ),
        (r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}"#, 10, 5, 0),
    ] {
        let usage = settled(usage);
        assert_eq!(usage.cost(&listed), Some(input * 2_000 + (written + reasoning) * 8_000));
        assert_eq!(usage.cost(&apart), Some(input * 2_000 + written * 8_000 + reasoning * 3_000));
        let long = LongPrompt {
            above: 9,
            input: Some(4_000_000),
            output: Some(16_000_000),
            reasoning: Some(6_000_000),
            ..LongPrompt::default()
        };
        let long = ModelPrice { long_prompt: Some(long), ..apart };
        assert_eq!(usage.cost(&long), Some(input * 4_000 + written * 16_000 + reasoning * 6_000));
    }
    // What is spoken is no reasoning.
    let spoken = Usage { output: 100, reasoning: 80, audio_output: 50, ..Usage::default() };
    let spoken = spoken.cost(&ModelPrice { audio_output: Some(20_000_000), ..apart });
    assert_eq!(spoken, Some(50 * 3_000 + 50 * 20_000));
    let dear = ModelPrice { reasoning: Some(9_000_000), ..listed };
    assert_eq!(dear.dearest(false, false).output, Some(9_000_000));
    assert!(!ModelPrice { reasoning: Some(1), ..price(0, 0) }.is_free());
}
