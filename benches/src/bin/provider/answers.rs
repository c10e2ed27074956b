//! All responses of the provider, prepared at startup so that building them does not limit a measurement.

use failsoft_bench::{fragment_of, fragments, whole_text};

/// The tokens of a prompt of 1 KB, and of one of 100 KB: a count that the size of the prompt contradicts is not believed, and
/// costs a gateway more.
const PROMPT_TOKENS: u32 = 212;
const LONG_PROMPT_TOKENS: u32 = 24_000;
/// The size of a body in bytes from which its prompt is long.
const LONG: usize = 16 * 1024;
const OUTPUT_TOKENS: u32 = 98;
const OVERLOADED: &str = r#"{"error":{"message":"The engine is currently overloaded, please try again later.","type":"server_error","param":null,"code":null}}"#;
const RATE_LIMITED: &str = r#"{"error":{"message":"Rate limit reached for requests.","type":"requests","param":null,"code":"rate_limit_exceeded"}}"#;
const STREAM_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
x-request-id: req_bench\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";

/// The prepared responses, in OpenAI's format.
pub(crate) struct Answers {
    whole: Vec<u8>,
    whole_of_long: Vec<u8>,
    /// A 503 with an error object, with its head.
    pub(crate) overloaded: Vec<u8>,
    /// A 429 with an error object, with its head.
    pub(crate) rate_limited: Vec<u8>,
    /// The head of a stream and a ping, after which nothing follows.
    pub(crate) stream_silent: Vec<u8>,
    /// The head of a stream and its first event, which carries the role: one write.
    pub(crate) stream_start: Vec<u8>,
    /// The event with the finish reason.
    pub(crate) stream_finish: Vec<u8>,
    /// The event with the usage, sent if requested.
    pub(crate) stream_usage: Vec<u8>,
    /// `[DONE]` and the end of the body.
    pub(crate) stream_end: Vec<u8>,
    contents: Vec<Vec<u8>>,
}

impl Answers {
    /// Prepares all responses.
    pub(crate) fn prepare() -> Self {
        let mut stream_end = event("[DONE]");
        stream_end.extend_from_slice(b"0\r\n\r\n");
        Self {
            whole: json_answer("200 OK", &completion(PROMPT_TOKENS)),
            whole_of_long: json_answer("200 OK", &completion(LONG_PROMPT_TOKENS)),
            overloaded: json_answer("503 Service Unavailable", OVERLOADED),
            rate_limited: json_answer("429 Too Many Requests", RATE_LIMITED),
            stream_silent: [STREAM_HEAD, b"8\r\n: ping\n\n\r\n"].concat(),
            stream_start: [
                STREAM_HEAD,
                &delta(r#"{"role":"assistant","content":"","refusal":null}"#, "null"),
            ]
            .concat(),
            stream_finish: delta("{}", "\"stop\""),
            stream_usage: chunk("[]", &usage(PROMPT_TOKENS)),
            stream_end,
            contents: fragments()
                .iter()
                .map(|text| delta(&format!(r#"{{"content":"{text}"}}"#), "null"))
                .collect(),
        }
    }

    /// A completion of about 1 KB, with its head, to a body of this size.
    pub(crate) fn whole(&self, body: usize) -> &[u8] {
        if body < LONG { &self.whole } else { &self.whole_of_long }
    }

    /// The event of the content chunk `number`, which is at least 1.
    pub(crate) fn content(&self, number: usize) -> &[u8] {
        &self.contents[fragment_of(number, self.contents.len())]
    }
}

/// A JSON body with its head.
pub(crate) fn json_answer(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-request-id: req_bench\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn usage(prompt: u32) -> String {
    let total = prompt + OUTPUT_TOKENS;
    format!(
        r#"{{"prompt_tokens":{prompt},"completion_tokens":{OUTPUT_TOKENS},"total_tokens":{total},"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}}"#
    )
}

fn completion(prompt: u32) -> String {
    let (text, usage) = (whole_text(), usage(prompt));
    format!(
        r#"{{"id":"chatcmpl-BENCH0123456789abcdefghijkl","object":"chat.completion","created":1760000000,"model":"gpt-4o-2024-08-06","choices":[{{"index":0,"message":{{"role":"assistant","content":"{text}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{usage},"service_tier":"default","system_fingerprint":"fp_bench"}}"#
    )
}

fn delta(delta: &str, finish_reason: &str) -> Vec<u8> {
    let choices =
        format!(r#"[{{"index":0,"delta":{delta},"logprobs":null,"finish_reason":{finish_reason}}}]"#);
    chunk(&choices, "null")
}

fn chunk(choices: &str, usage: &str) -> Vec<u8> {
    event(&format!(
        r#"{{"id":"chatcmpl-BENCH0123456789abcdefghijkl","object":"chat.completion.chunk","created":1760000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_bench","choices":{choices},"usage":{usage}}}"#
    ))
}

fn event(data: &str) -> Vec<u8> {
    let event = format!("data: {data}\n\n");
    format!("{:x}\r\n{event}\r\n", event.len()).into_bytes()
}
