//! `bench-forwarder ADDRESS PROVIDER_URL`: actix-web in front and reqwest behind, with no product logic in between.
//! This is the cost of the libraries on this machine, so Failsoft's cost is reported as a multiple of it.
//!
//! The body is forwarded unchanged and the answer is streamed without collecting it. An answer of 429 or 5xx is
//! dropped and the body sent once more, to the provider's path for good answers. One worker, like every gateway in
//! the benchmark.

use std::net::SocketAddr;

use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, error, web};
use anyhow::Context;
use bytes::Bytes;
use futures_util::TryStreamExt;
use reqwest::Client;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const BODY_LIMIT: usize = 32 << 20;

struct Provider {
    client: Client,
    first: String,
    second: String,
}

impl Provider {
    fn at(url: &str) -> reqwest::Result<Self> {
        let client = Client::builder().tcp_nodelay(true).no_proxy().build()?;
        Ok(Self {
            client,
            first: format!("{url}/v1/chat/completions"),
            second: format!("{url}/m/ok/v1/chat/completions"),
        })
    }

    async fn send(
        &self,
        url: &str,
        authorization: HeaderValue,
        body: Bytes,
    ) -> actix_web::Result<reqwest::Response> {
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, authorization);
        request.body(body).send().await.map_err(error::ErrorBadGateway)
    }
}

async fn forward(
    request: HttpRequest,
    body: Bytes,
    provider: web::Data<Provider>,
) -> actix_web::Result<HttpResponse> {
    let given = request.headers().get("authorization").map_or(&b""[..], |value| value.as_bytes());
    let authorization = HeaderValue::from_bytes(given).map_err(error::ErrorBadRequest)?;
    let mut answer = provider.send(&provider.first, authorization.clone(), body.clone()).await?;
    if answer.status().as_u16() == 429 || answer.status().is_server_error() {
        // Read to the end, so that the connection can be reused.
        answer.bytes().await.map_err(error::ErrorBadGateway)?;
        answer = provider.send(&provider.second, authorization, body).await?;
    }
    let status = StatusCode::from_u16(answer.status().as_u16()).map_err(error::ErrorBadGateway)?;
    let mut response = HttpResponse::build(status);
    if let Some(content_type) = answer.headers().get(CONTENT_TYPE) {
        response.insert_header(("content-type", content_type.as_bytes()));
    }
    if let Some(length) = answer.content_length() {
        response.no_chunking(length);
    }
    Ok(response.streaming(answer.bytes_stream().map_err(std::io::Error::other)))
}

#[actix_web::main]
async fn main() -> anyhow::Result<()> {
    let usage = "usage: bench-forwarder ADDRESS PROVIDER_URL";
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments.next().context(usage)?.parse()?;
    let provider = web::Data::new(Provider::at(&arguments.next().context(usage)?)?);
    let application = move || {
        App::new()
            .app_data(web::PayloadConfig::new(BODY_LIMIT))
            .app_data(provider.clone())
            .route("/v1/chat/completions", web::post().to(forward))
    };
    HttpServer::new(application)
        .workers(1)
        // Without this, a stream's last event waits 40 ms for the client's delayed acknowledgment.
        .tcp_nodelay(true)
        .bind(address)?
        .run()
        .await?;
    Ok(())
}
