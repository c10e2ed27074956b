//! The storage of the archive: a folder, or a bucket of S3 or of a storage with its interface.
//!
//! The library's own HTTP client is left out. Its requests are sent through ours, so that there is one TLS stack with one
//! set of trusted certificates.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use http::header::CONTENT_LENGTH;
use object_store::aws::AmazonS3Builder;
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, RetryConfig};
use secrecy::{ExposeSecret as _, SecretString};

use super::clients;
use crate::config::archive::{Bucket, Place};

/// The largest response in bytes. An object of the archive is much smaller.
const LARGEST: usize = 256 << 20;

/// Opens a storage without reading it. A folder that does not exist is created.
///
/// # Errors
/// One line with the cause, and without any part of a credential.
pub fn open(place: &Place, secret: Option<&SecretString>) -> Result<Arc<dyn ObjectStore>, String> {
    match place {
        Place::Folder(path) => {
            // What is written first finds out whether it can be.
            let _ = make_folder(path);
            let prefix = Path::from_absolute_path(path).map_err(|error| error.to_string())?;
            Ok(Arc::new(PrefixStore::new(LocalFileSystem::new().with_fsync(true), prefix)))
        }
        Place::Bucket(bucket) => open_bucket(bucket, secret),
    }
}

/// Creates a folder that only this user can read.
fn make_folder(path: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn open_bucket(bucket: &Bucket, secret: Option<&SecretString>) -> Result<Arc<dyn ObjectStore>, String> {
    let mut builder = AmazonS3Builder::from_env()
        .with_bucket_name(&bucket.name)
        .with_virtual_hosted_style_request(!bucket.path_style)
        .with_http_connector(Connector)
        .with_retry(RetryConfig {
            max_retries: 4,
            retry_timeout: Duration::from_secs(60),
            ..RetryConfig::default()
        });
    if let Some(secret) = secret {
        builder = builder.with_secret_access_key(secret.expose_secret());
    }
    if let Some(endpoint) = &bucket.endpoint {
        let mut endpoint = endpoint.clone();
        if !bucket.path_style {
            let host = format!("{}.{}", bucket.name, endpoint.host_str().unwrap_or_default());
            endpoint.set_host(Some(&host)).map_err(|_| "its bucket cannot be part of a host name")?;
        }
        let address = endpoint.as_str().trim_end_matches('/');
        builder = builder.with_endpoint(address).with_allow_http(endpoint.scheme() == "http");
    }
    let storage = builder.build().map_err(|error| error.to_string())?;
    Ok(match bucket.prefix.as_str() {
        "" => Arc::new(storage),
        prefix => Arc::new(PrefixStore::new(storage, prefix)),
    })
}

#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        match clients::of_operator() {
            Ok(client) => Ok(HttpClient::new(Service(client))),
            Err(source) => Err(object_store::Error::Generic { store: "S3", source }),
        }
    }
}

#[derive(Debug)]
struct Service(reqwest::Client);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url = url::Url::parse(&parts.uri.to_string())
            .map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        // Storages refuse a body in chunks.
        if !request.headers().contains_key(CONTENT_LENGTH) {
            request.headers_mut().insert(CONTENT_LENGTH, body.content_length().into());
        }
        *request.body_mut() = Some(reqwest::Body::wrap(body));
        let mut response = self.0.execute(request).await.map_err(failed)?;
        let mut read = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if read.len() + chunk.len() > LARGEST {
                return Err(HttpError::new(
                    HttpErrorKind::Decode,
                    std::io::Error::other("its answer is too large"),
                ));
            }
            read.extend_from_slice(&chunk);
        }
        let mut answer = http::Response::new(HttpResponseBody::from(read.freeze()));
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

/// The error without its URL, which the library adds if it holds no secret.
fn failed(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else if error.is_decode() {
        HttpErrorKind::Decode
    } else {
        HttpErrorKind::Interrupted
    };
    HttpError::new(kind, error.without_url())
}
