//! The share that a body takes is given back when its answer begins, long before the stream ends.

use serde_json::json;

use super::{MEBIBYTE, Street, hanging, on_each};
use crate::support::fake_provider::{Gate, Script};

/// The same bodies cannot all be held: the requests of the neighboring test, which get no answer, are refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_have_begun_hold_no_bodies() {
    on_each(async |kind| {
        let street = Street::with(kind, |_| {}).await;
        let gate = Gate::new();
        let stream = Script::stream().text("Begun").wait_until(&gate).finish("stop").done();
        street.fake.always_for("slow-upstream", stream);
        let long = "x".repeat(2 * MEBIBYTE);
        let mut open = Vec::new();
        for number in 0..17 {
            // Of a prompt, a little is kept for an error later in the stream.
            let body = match number % 2 {
                0 => {
                    json!({"model": "slow", "stream": true, "messages": [{"role": "user", "content": long}]})
                }
                _ => json!({"model": "slow", "stream": true, "user": long}),
            };
            let mut caller = hanging(&street, &body).await;
            let head = caller.read_until("\r\n\r\n").await;
            assert!(head.starts_with("HTTP/1.1 200"), "{number}: {head}");
            caller.read_until("Begun").await;
            open.push(caller);
        }
        // All of them are still open, and there is room for a body more.
        let more = street.chat(&street.app.organization, &json!({"model": "ok", "user": long})).await;
        assert_eq!((more.status, street.fake.served()), (200, 18), "{}", more.text());
        gate.open();
        for caller in &mut open {
            caller.read_until("[DONE]").await;
        }
    })
    .await;
}
