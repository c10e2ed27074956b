//! Requests for several choices, each of which may be as long as a limit allows.

use serde_json::json;

use super::{limited, priced, ten_of_fifty};
use crate::support::fake_provider::Script;
use crate::support::on_both_databases;

on_both_databases! {
    async fn a_stated_limit_times_the_choices_must_fit(app: App) {
        let fake = priced(&app, 1_000_000, 1_000_000).await;
        limited(&app, 5_000_000).await;
        for members in [
            json!({"model": "a", "max_tokens": 1_000, "n": 8}),
            json!({"model": "a", "max_tokens": 1, "max_completion_tokens": 6_000}),
            json!({"model": "a", "max_tokens": 6e3}),
            json!({"model": "a", "max_tokens": 1_000_000_000_000_i64}),
            json!({"model": "a", "max_tokens": 1, "max_new_tokens": 6_000}),
            json!({"model": "a", "max_tokens": 1_000, "num_return_sequences": 8}),
            json!({"model": "a", "max_tokens": 1_000, "generation_config": {"candidate_count": 8}}),
            json!({"model": "a", "max_tokens": 1_000, "thinking": {"type": "enabled", "budget_tokens": 5_000}}),
            json!({"model": "a", "max_tokens": 1_000, "reasoning": {"max_tokens": 5_000}}),
            json!({"model": "a", "max_tokens": 1_000, "thinking_budget": 1_000, "n": 3}),
            json!({"model": "a", "max_tokens": 1_000, "extra_body": {"google": {"thinking_config": {"thinking_budget": 5_000}}}}),
        ] {
            let answer = app.chat(&members).await;
            assert_eq!(answer.status, 402, "{members}: {}", answer.text());
            assert!(answer.text().contains("a smaller max_tokens reserves less"), "{}", answer.text());
        }
        assert_eq!(fake.served(), 0);
        let choice = |index: u8| json!({"index": index, "message": {"content": "Hi"}, "finish_reason": "stop"});
        fake.next(Script::json(200, &json!({"choices": [choice(0), choice(1), choice(2), choice(3)]})));
        assert_eq!(app.chat(&json!({"model": "a", "max_tokens": 1_000, "n": 4})).await.status, 200);
    }

    async fn fifty_at_once_reserve_every_choice(app: App) {
        ten_of_fifty(&app, &json!({"max_tokens": 10, "n": 100})).await;
    }
}
