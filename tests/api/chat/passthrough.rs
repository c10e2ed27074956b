//! Answers are forwarded byte for byte, except for the changes in section "What we change" of the documentation.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{chat_body, with_json};
use crate::support::fake_provider::{FakeProvider, Script};
use crate::support::on_both_databases;

/// Unusual numbers, whitespace, escapes, unknown members, and names in unexpected places.
const BEFORE: &str = "\n { \"id\" : \"chatcmpl-\\u0041\\ud83e\\udd80\",\t\"x\":{\"model\":\"inner\",\"n\":1.0E+2,\"big\":12345678901234567890123,\"small\":0.1000},\r\n\"model\"";
const MIDDLE: &str = ": ";
const AFTER: &str = ",\"choices\":[ {\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\\u003cb\\u003e é \\\"model\\\":\\\"x\\\" \\/\",\"model\":\"not me\",\"refusal\":null},\"finish_reason\":\"stop\",\"logprobs\":null}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2.0,\"total_tokens\":3,\"cost\":0.00001230}, \"service_tier\":null";

/// The event lines of a stream with unusual content; `{model}` and `{more}` are replaced by the gateway.
const STREAM: &str = ": hello\n\ndata: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":1.7e9,\"model\":{model},\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]{more}}\n\nevent: message\r\nid: 7\r\ndata:{\"id\":\"c-1\", \"choices\":[{\"delta\":{\"content\":\"h\\u00e9 \u{1f980}\"}}] ,\"model\":{model}{more}}\r\n\r\n: ping\n\ndata: {\"model\":{model},\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\",\"x\":[1,2 ,3]}],\"usage\":null{more}}\n\n";
const USAGE: &str = "data: {\"id\":\"c-1\",\"model\":{model},\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12}{more}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn theirs(text: &str) -> String {
    text.replace("{model}", "\"theirs\"").replace("{more}", "")
}

fn ours(text: &str) -> String {
    // Comments pass without their texts.
    let text = text.replace(": hello\n", ":\n").replace("\n: ping\n", "\n:\n");
    text.replace("{model}", "\"a\"").replace("{more}", ",\"provider\":\"fake\"")
}

/// Xorshift: the same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).expect("small")).expect("small")
    }

    /// Splits the bytes into up to 31 pieces, none of them empty.
    fn cut<'a>(&mut self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut cuts: Vec<usize> = (0..self.below(30)).map(|_| self.below(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
    }
}

on_both_databases! {
    async fn a_whole_answer_keeps_every_byte_that_is_not_ours(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        for (rest, added) in [
            ("}\n", r#","provider":"fake","system_fingerprint":null}"#.to_owned() + "\n"),
            (",\"system_fingerprint\":\"fp\"} ", r#","system_fingerprint":"fp","provider":"fake"} "#.to_owned()),
            (",\"system_fingerprint\" : null, \"provider\" :{\"a\":1}}", ",\"system_fingerprint\" : null, \"provider\" :\"fake\"}".to_owned()),
        ] {
            fake.next(Script::respond(200, &[("content-type", "application/json; charset=utf-8")], format!("{BEFORE}{MIDDLE}\"theirs\"{AFTER}{rest}")));
            let answer = app.chat(&json!({"model": "a"})).await;
            assert_eq!(answer.text(), format!("{BEFORE}{MIDDLE}\"a\"{AFTER}{added}"));
        }
        // The same when sent one byte at a time.
        let script = Script::respond(200, &[], format!("{BEFORE}{MIDDLE}\"theirs\"{AFTER}}}"));
        fake.next(script.trickled());
        let answer = app.chat(&json!({"model": "a"})).await;
        assert!(answer.text().starts_with(&format!("{BEFORE}{MIDDLE}\"a\"{AFTER}")));
        // A field that occurs twice is replaced twice.
        fake.next(Script::respond(200, &[], r#"{"model":"theirs","choices":[{"message":{"content":"x"}}],"provider":"them","system_fingerprint":null,"mod\u0065l" : "theirs-too","provider":null}"#));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!(answer.text(), r#"{"model":"a","choices":[{"message":{"content":"x"}}],"provider":"fake","system_fingerprint":null,"mod\u0065l" : "a","provider":"fake"}"#);
        let event = |text: &str| format!("data: {{\"model\":\"theirs\",\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}],\"model\":\"theirs-too\"}}\n\n");
        fake.next(["x", "y", "z"].iter().fold(Script::stream(), |script, text| script.chunk(event(text))).finish("stop").done());
        let answer = app.chat(&json!({"model": "a", "stream": true})).await;
        assert_eq!((answer.text().matches("theirs").count(), answer.text().matches(r#""model":"a""#).count()), (0, 7), "{}", answer.text());
        // An answer without a model gets the model's name.
        fake.next(Script::respond(200, &[], r#"{"choices":[{"message":{"content":"x"}}]}"#));
        let answer = app.chat(&json!({"model": "a"})).await;
        assert_eq!(answer.text(), r#"{"choices":[{"message":{"content":"x"}}],"model":"a","provider":"fake","system_fingerprint":null}"#);
        let usage = &app.requests(5).await[0];
        assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(1), &json!(2)));
    }

    async fn a_stream_keeps_every_byte_that_is_not_ours(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        fake.always(Script::stream().chunk(theirs(STREAM)).chunk(theirs(USAGE)).chunk(DONE).end());
        let answer = app.chat(&json!({"model": "a", "stream": true})).await;
        assert_eq!(answer.text(), format!("{}{DONE}", ours(STREAM)));
        assert_eq!(answer.header("content-type"), "text/event-stream; charset=utf-8");
        let options = json!({"include_usage": true});
        let answer = app.chat(&json!({"model": "a", "stream": true, "stream_options": options})).await;
        assert_eq!(answer.text(), format!("{}{}{DONE}", ours(STREAM), ours(USAGE)));
        for row in app.requests(2).await {
            assert_eq!((&row["input_tokens"], &row["output_tokens"], &row["estimated"]), (&json!(5), &json!(7), &json!(false)));
        }
    }

    async fn the_chunking_of_a_stream_makes_no_difference(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        // All line endings, a byte order mark, no end, and not even a last line.
        let streams: [fn(&str) -> String; 5] = [
            |text| format!("{text}{DONE}"),
            |text| format!("{text}{DONE}").replace("\r\n", "\n").replace('\n', "\r\n"),
            |text| format!("{text}{DONE}").replace("\r\n", "\n").replace('\n', "\r"),
            |text| format!("\u{feff}{text}"),
            |text| text.trim_end().to_owned(),
        ];
        for (number, stream) in streams.iter().enumerate() {
            // The truncated part must contain more than the usage, which is not forwarded.
            let usage = if number == 4 { "" } else { USAGE };
            let sent = stream(&theirs(&format!("{STREAM}{usage}"))).into_bytes();
            // The mark is part of the encoding and does not pass. An event without its blank line is ended.
            let end = if number == 4 { "\n\n" } else { "" };
            let expected = stream(&ours(STREAM)).trim_start_matches('\u{feff}').to_owned() + end;
            for round in 0..20 {
                let pieces = dice.cut(&sent);
                let script = pieces.iter().fold(Script::stream(), |script, piece| script.chunk(piece));
                fake.next(script.end());
                let answer = app.chat(&json!({"model": "a", "stream": true})).await;
                let lengths: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
                assert_eq!(answer.text(), expected, "stream {number}, round {round}: {lengths:?}");
            }
            // One byte per segment: characters and line ends are split.
            fake.next(Script::stream().chunk(&sent).end().trickled());
            let answer = app.chat(&json!({"model": "a", "stream": true})).await;
            assert_eq!(answer.text(), expected, "stream {number}");
        }
    }

    async fn the_chunking_of_a_whole_answer_makes_no_difference(app: App) {
        let fake = FakeProvider::start().await;
        app.organization.catalog(&fake, &["a"]).await;
        let mut dice = Dice(0x2545_f491_4f6c_dd1d);
        let sent = format!("{BEFORE}{MIDDLE}\"theirs\"{AFTER}}}\n").into_bytes();
        let expected = format!("{BEFORE}{MIDDLE}\"a\"{AFTER},\"provider\":\"fake\",\"system_fingerprint\":null}}\n");
        for round in 0..20 {
            let pieces = dice.cut(&sent);
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
            let script = pieces.iter().fold(Script::new().send(head), |script, piece| script.chunk(piece));
            fake.next(script.end());
            let answer = app.chat(&json!({"model": "a"})).await;
            let lengths: Vec<usize> = pieces.iter().map(|piece| piece.len()).collect();
            assert_eq!(answer.text(), expected, "round {round}: {lengths:?}");
        }
    }

    async fn the_failsoft_object_is_there_where_it_is_asked_for(app: App) {
        let fake = FakeProvider::start().await;
        let provider = app.organization.provider("fake", &fake).await;
        let price = failsoft::providers::ModelPrice {
            input: Some(1_000_000),
            output: Some(2_000_000),
            ..failsoft::providers::ModelPrice::default()
        };
        app.organization.model("a", provider).await;
        app.organization.model_like("b", provider, |model| model.settings.price = Some(price)).await;
        let ask = async |body: &Value, wanted: &str| {
            fake.next(Script::error(503, "overloaded", "busy"));
            let request = with_json(app.request(Method::POST, "/v1/chat/completions"), &chat_body(body));
            app.call(request.header("x-failsoft-metadata", wanted), &app.organization.key).await
        };
        let check = |failsoft: &Value| {
            assert_eq!((&failsoft["requested"], &failsoft["served"]), (&json!("a"), &json!("b")));
            // 3 prompt tokens at a micro-dollar each, 2 completion tokens at two.
            assert_eq!(failsoft["cost"], 7_000);
            let attempts = failsoft["attempts"].as_array().expect("a list");
            assert_eq!(attempts.len(), 2);
            for member in ["model", "provider", "status", "error_class", "matched_rule", "duration_ms", "passed_over", "adapted", "translated_to", "credential", "chosen"] {
                assert!(attempts.iter().all(|attempt| attempt.get(member).is_some()), "{member}");
            }
            assert_eq!((&attempts[0]["error_class"], &attempts[1]["error_class"]), (&json!("overloaded"), &json!(null)));
        };
        let body = json!({"model": "a", "models": ["b"]});
        fake.always(Script::answer("Hi"));
        check(&ask(&body, "enabled").await.json()["failsoft"]);
        for other in ["", "disabled", "true"] {
            assert!(ask(&body, other).await.json().get("failsoft").is_none());
        }
        let body = json!({"model": "a", "models": ["b"], "stream": true});
        fake.always(Script::stream().text("Hi").finish("stop").usage(3, 2).done());
        let events = ask(&body, "enabled").await.events();
        assert_eq!(events.len(), 4, "{events:?}");
        assert_eq!(events[3], "[DONE]");
        let chunk: Value = serde_json::from_str(&events[2]).expect("JSON");
        assert_eq!((&chunk["choices"], &chunk["id"], &chunk["model"]), (&json!([]), &json!("chatcmpl-fake"), &json!("b")));
        assert_eq!((&chunk["object"], &chunk["created"]), (&json!("chat.completion.chunk"), &json!(1_700_000_000)));
        check(&chunk["failsoft"]);
        assert!(!ask(&body, "no").await.text().contains("\"failsoft\""));
        // An answer without content and without an end is a failure, and free.
        let nothing = json!({"choices": [], "usage": {"prompt_tokens": 1_000, "completion_tokens": 0}});
        fake.next_for("b-upstream", Script::json(200, &nothing));
        assert_eq!(app.chat(&json!({"model": "b", "num_retries": 0})).await.status, 502);
        assert_eq!(app.requests(7).await.pop().expect("a row")["cost_nano_dollars"], 0);
        // Only the answering model is billed.
        let rows = app.requests(7).await;
        assert!(rows[..6].iter().all(|row| row["cost_nano_dollars"] == 7_000), "{rows:?}");
    }
}
