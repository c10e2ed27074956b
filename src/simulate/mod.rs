//! A provider of simulated models, for chat completions, Anthropic's Messages, OpenAI's Responses, Gemini and Bedrock's Converse, and for
//! embeddings and the other endpoints of OpenAI: the model's name chooses how it answers or fails.
//!
//! It is a real HTTP server, so its clients get real connections, streams and disconnects. It has three users:
//! `failsoft simulate` on its own listener, the provider of kind `simulated` on a loopback port of this process, and
//! tests (ours, and those of users who test their fallback policy in CI).
//!
//! # Names
//!
//! The prefix `sim/` is optional. The class is the `error_class` in failsoft's events. `GET /v1/models` lists one
//! callable example per row.
//!
//! | name | class | what it does |
//! |---|---|---|
//! | `steady` | none | answers at once |
//! | `slow-Ns` | timeout | answers after N seconds without a byte |
//! | `slow-Nms` | timeout | answers after N milliseconds without a byte |
//! | `flaky-NN` | overloaded | fails NN of every 100 calls with 503, evenly spread, and answers the others |
//! | `rate-limited` | rate_limited | 429 with Retry-After: 1 |
//! | `rate-limited-Ns` | rate_limited | 429 with Retry-After: N |
//! | `quota-exhausted` | quota_exhausted | 429 with the code insufficient_quota |
//! | `error-500` | unavailable | 500 |
//! | `error-502` | unavailable | 502 |
//! | `error-503` | overloaded | 503 |
//! | `error-529` | overloaded | 529 |
//! | `error-NNN` | that of the status | any status from 400 to 599 |
//! | `hang` | timeout | never answers |
//! | `cut-midstream` | stream_interrupted | drops the connection halfway; without stream: invalid_response, half a body |
//! | `context-overflow` | context_window_exceeded | 400 with the code context_length_exceeded |
//! | `content-filter` | content_policy | 400 with the code content_policy_violation |
//! | `content-filter-finish` | content_policy | 200 with finish_reason content_filter and no content |
//! | `garbage` | invalid_response | 200 with an HTML page |
//! | `broken-json` | invalid_response | 200 with JSON that ends in the middle |
//! | `empty` | invalid_response | 200 with an empty body or stream |
//! | `error-in-200` | overloaded | 200 with an error object with the code 503 |
//! | `unauthorized` | authentication | 401 with the code invalid_api_key |
//! | `not-found` | model_not_found | 404 with the code model_not_found |
//! | `bad-request` | invalid_request | 400 with the code invalid_request |
//! | `bad-signature` | invalid_request, or none | 400 for reasoning in the history that it has not signed, or that is missing |
//! | `stop-with-tools` | none | calls a tool and says that it has ended, or answers and says that it calls one |
//! | `late-thinking` | none | thinks after its answer has begun |
//! | `bad-crc` | stream_interrupted, or none | a wrong checksum after the first content of a stream of Converse; answers in other dialects |
//! | `missing-index` | invalid_response, or none | a list of results, such as embeddings, without its last one; answers where there is no list |
//! | `wrong-dimension` | invalid_response, or none | the last vector has one number too many; answers where there are no vectors |
//! | `html-as-audio` | invalid_response, or none | an HTML page with the content type of the sound; answers where there is no speech |
//!
//! The name of a model that answers may end in `-chunks-N` (an answer of N words, hence N content chunks) and `-gap-Nms` (a
//! pause before every content chunk but the first), in either order: `steady-chunks-100-gap-20ms`. `-gap-0ms` does not
//! pause, but writes every chunk separately; without a gap, chunks that are ready together share a write.
//!
//! The name of a real model may come first, with a colon behind it: `claude-sonnet-4-5:error-529`. It changes nothing here, but a
//! gateway knows by it what that model takes.
//!
//! # Answers
//!
//! `POST /v1/chat/completions`, `POST /v1/messages`, `POST /v1/responses`, `POST /v1beta/models/M:generateContent` (and
//! `:streamGenerateContent?alt=sse`) and `POST /model/M/converse` (and `/converse-stream`, with binary events) answer alike, each in its
//! dialect, and fail with its errors. An answer begins with reasoning if the request asks for it, except in chat completions. A
//! signature of reasoning in Messages, Gemini and Converse, and encrypted reasoning in Responses, is always the same, and
//! `bad-signature` takes no other. Gemini and Responses have no word for an end with tools, which `stop-with-tools` could contradict.
//! Gemini answers at `/v1/models/M:...` and at Vertex AI's `/v1/projects/P/locations/L/publishers/google/models/M:...`, too, and
//! `GET /v1beta/models` lists its models, as `GET /v1/models` does for a request with the header `x-goog-api-key`; chat completions
//! also at Azure's `/openai/deployments/M/chat/completions`.
//! `POST /v1/messages/count_tokens` and `M:countTokens` count the prompt. Nothing is stored: Responses know every id as a previous response.
//!
//! The text repeats the beginning of the last user message, so the same question has the same answer. `max_tokens` and
//! `max_completion_tokens` truncate it. Token counts are a simple estimate: one per word of the answer, and one per four bytes
//! of the messages' contents in their JSON form.
//!
//! # Endpoints other than chats
//!
//! Each is there with `/v1` and without, and at Azure's `/openai/deployments/M/...`. The same request has the same answer:
//!
//! - `POST /v1/embeddings`: a vector of 64 numbers, or `dimensions`, for each input. Texts with the same words have close vectors.
//! - `POST /v1/completions`: as to a chat with the prompt, `n` times, whole or streamed; `echo` repeats the prompt first.
//! - `POST /v1/moderations`: a text with the word `harmful` is flagged, as violence.
//! - `POST /v1/rerank` and `/v2/rerank`: the documents by how close their vectors are to that of the query. `missing-index` names one that was
//!   not sent.
//! - `POST /v1/images/generations`: a PNG of one pixel, with a color of the prompt. A stream has `partial_images` before it.
//! - `POST /v1/audio/speech`: silence of 100 ms (26 ms as MP3) for each word, as `mp3`, `wav` or `pcm`, or as events (`stream_format`).
//! - `POST /v1/audio/transcriptions` and `/v1/audio/translations`: a text with the size of the recording, as `json`, `text`, `srt`, `vtt` or
//!   `verbose_json`, or as events.
//!
//! A fault that has no meaning at an endpoint is an answer, or (`content-filter-finish`) a refusal. Vectors with a wrong number of numbers
//! show only beside others or with `dimensions`.

mod behavior;
mod chat;
mod completion;
mod form;
mod history;
mod models;
mod operation;
mod refusal;
mod request;
mod shape;
mod stream;
#[cfg(test)]
mod tests;
mod tool;

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::json;

use chat::State;
use form::{Form, messages};
pub use models::{MODELS, SimulatedModel};
use operation::Endpoint;
use refusal::Refusal;

/// Longer than clients keep an idle connection (reqwest: 90 s), so that no request is sent on a closing connection.
const KEEP_ALIVE: Duration = Duration::from_secs(120);

/// The path of a model of Gemini on Vertex AI, of which Google's SDK calls the version with beta features.
const ON_VERTEX: &str = "/{version:v1|v1beta1}/projects/{project}/locations/{location}/publishers/google/models/{model:.+}:{method:[A-Za-z]+}";

/// How long shutdown waits for open responses. Short, because `hang` would use up any longer time.
const SHUTDOWN_SECONDS: u64 = 1;

/// Settings that differ between a standalone server, one inside a gateway, and one in a test.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The number of threads that answer requests; 0 counts as 1.
    pub workers: usize,
    /// Pause before every content chunk but the first, for names without `-gap-Nms`. `None` means no pause.
    pub chunk_gap: Option<Duration>,
    /// Whether SIGINT and SIGTERM stop this server. False inside another server, which must stop first: otherwise
    /// answers to its own gateway would break off.
    pub handle_signals: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { workers: 1, chunk_gap: None, handle_signals: false }
    }
}

/// Serves simulated models on `listener` once the returned server is awaited or spawned. Dropping the server stops it
/// at once; its handle stops it gracefully.
///
/// # Errors
/// If the listener cannot be set up for asynchronous use.
pub fn start(listener: TcpListener, settings: Settings) -> std::io::Result<Server> {
    // Created here and not in the factory: all workers share the counters of `flaky-NN`.
    let state = web::Data::new(State::new(settings.chunk_gap));
    let server = HttpServer::new(move || App::new().app_data(state.clone()).configure(routes))
        .workers(settings.workers.max(1))
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        // Without this, the end of a stream waits about 40 ms for an acknowledgment.
        .tcp_nodelay(true)
        // Ends `hang` and pauses when the caller disconnects.
        .h1_allow_half_closed(false);
    let server = if settings.handle_signals { server } else { server.disable_signals() };
    Ok(server.listen(listener)?.run())
}

fn routes(config: &mut web::ServiceConfig) {
    for path in ["/v1/chat/completions", "/chat/completions"] {
        config.service(
            web::resource(path)
                .post(chat::create)
                .default_service(web::to(async || method_not_allowed("POST"))),
        );
    }
    for (path, handler) in [
        ("/v1/messages", web::post().to(chat::create_message)),
        ("/v1/messages/count_tokens", web::post().to(messages::count)),
        ("/v1/responses", web::post().to(chat::create_response)),
        ("/responses", web::post().to(chat::create_response)),
        ("/openai/deployments/{model}/chat/completions", web::post().to(chat::create_at_deployment)),
        ("/{version:v1|v1beta}/models/{model:.+}:{method:[A-Za-z]+}", web::post().to(chat::generate)),
        (ON_VERTEX, web::post().to(chat::generate)),
        ("/model/{model:.+}/{method:converse|converse-stream}", web::post().to(chat::converse)),
    ] {
        config.service(
            web::resource(path).route(handler).default_service(web::to(async || method_not_allowed("POST"))),
        );
    }
    for (endpoint, path) in Endpoint::ALL {
        let mut paths =
            vec![format!("/v1{path}"), path.to_owned(), format!("/openai/deployments/{{model}}{path}")];
        paths.extend((endpoint == Endpoint::Rerank).then(|| format!("/v2{path}")));
        for path in paths {
            let answer = move |request: HttpRequest, payload: web::Payload, state: web::Data<State>| async move {
                operation::answer(endpoint, &request, payload, &state).await
            };
            config.service(
                web::resource(path)
                    .post(answer)
                    .default_service(web::to(async || method_not_allowed("POST"))),
            );
        }
    }
    for (path, handler) in [
        ("/v1/models", web::get().to(list_models)),
        ("/models", web::get().to(list_models)),
        ("/openai/models", web::get().to(list_models)),
        ("/v1beta/models", web::get().to(list_models_of_gemini)),
    ] {
        config.service(
            web::resource(path).route(handler).default_service(web::to(async || method_not_allowed("GET"))),
        );
    }
    config
        .service(
            web::resource("/").get(introduce).default_service(web::to(async || method_not_allowed("GET"))),
        )
        .default_service(web::to(unknown_path));
}

async fn introduce() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("failsoft simulate: a provider of simulated models for five dialects and other endpoints; see GET /v1/models.\n")
}

/// The list in OpenAI's form. Google's SDK asks for its own at this path, too, and sends its key in a header of its own.
async fn list_models(request: HttpRequest) -> HttpResponse {
    if request.headers().contains_key("x-goog-api-key") {
        return list_models_of_gemini().await;
    }
    let models: Vec<_> = MODELS
        .iter()
        .map(|model| {
            json!({
                "id": format!("sim/{}", model.example),
                "object": "model",
                "created": 0,
                "owned_by": "failsoft",
                "description": format!("{}: {}", model.name, model.what),
            })
        })
        .collect();
    HttpResponse::Ok().json(json!({ "object": "list", "data": models }))
}

async fn list_models_of_gemini() -> HttpResponse {
    let models: Vec<_> = MODELS
        .iter()
        .map(|model| {
            json!({
                "name": format!("models/sim/{}", model.example),
                "displayName": model.example,
                "description": format!("{}: {}", model.name, model.what),
                "supportedGenerationMethods": ["generateContent", "countTokens"],
            })
        })
        .collect();
    HttpResponse::Ok().json(json!({ "models": models }))
}

async fn unknown_path(request: HttpRequest) -> HttpResponse {
    Refusal::unknown_path(request.method().as_str(), request.path()).response(Form::Completion)
}

fn method_not_allowed(allowed: &'static str) -> HttpResponse {
    let mut response = Refusal::method_not_allowed(allowed).response(Form::Completion);
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}
