//! Gzip compression of pages and static files.
//!
//! Only our own HTML is compressed. A page can show text that an attacker chose (a filter in the URL) next to secrets
//! of the person. The only secret in it, the CSRF token, is masked differently every time, so the compressed length
//! reveals nothing. API responses, streams and downloads are not compressed.

use std::io::Write as _;

use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::http::header::{
    AcceptEncoding, CONTENT_ENCODING, CONTENT_TYPE, Encoding, Header as _, HeaderValue, Preference, Quality,
    VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Smaller bodies are not compressed.
const LEAST: usize = 1_024;
/// From this size on, a higher compression level pays off: the API reference is that large.
const LARGE: usize = 128 * 1_024;

/// Whether `Accept-Encoding` names gzip with a quality above 0. A header that cannot be parsed names nothing.
pub(in crate::console) fn takes_gzip(request: &HttpRequest) -> bool {
    let gzip = Preference::Specific(Encoding::gzip());
    AcceptEncoding::parse(request).is_ok_and(|AcceptEncoding(codings)| {
        codings.iter().any(|coding| coding.item == gzip && coding.quality > Quality::ZERO)
    })
}

/// The compressed bytes; `None` if compression fails.
pub(in crate::console) fn gzip(bytes: &[u8], level: Compression) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), level);
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// Compresses an HTML response if the client accepts it.
#[must_use]
pub fn shrink(request: &HttpRequest, response: HttpResponse) -> HttpResponse {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("text/html")) {
        return response;
    }
    let takes = takes_gzip(request);
    let (mut response, body) = response.into_parts();
    response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
    let body = match body.try_into_bytes() {
        Ok(bytes) => bytes,
        Err(body) => return response.set_body(body),
    };
    let small = Some(&body).filter(|body| takes && body.len() >= LEAST);
    let level = if body.len() < LARGE { Compression::fast() } else { Compression::default() };
    let Some(small) = small.and_then(|body| gzip(body, level)) else {
        return response.set_body(BoxBody::new(body));
    };
    response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    response.set_body(BoxBody::new(small))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn gzip_requires_an_accept_encoding_header() {
        for (accepted, takes) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.8", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0, br", false),
            ("gzip;q=0.00", false),
            ("gzip;q=0.000", false),
            ("gzip;q=0.001", true),
            ("br", false),
            ("", false),
            ("xgzip", false),
        ] {
            let request =
                TestRequest::default().insert_header(("accept-encoding", accepted)).to_http_request();
            assert_eq!(takes_gzip(&request), takes, "{accepted}");
        }
    }

    #[test]
    fn only_pages_are_compressed() {
        let text = "failsoft ".repeat(1_000);
        let request = TestRequest::default().insert_header(("accept-encoding", "gzip")).to_http_request();
        let plain = TestRequest::default().to_http_request();
        let of = |kind: &str| HttpResponse::Ok().content_type(kind).body(text.clone());
        let length = |response: HttpResponse| response.into_body().try_into_bytes().expect("bytes").len();
        let page = shrink(&request, of("text/html; charset=utf-8"));
        assert_eq!(page.headers().get("content-encoding").map(HeaderValue::as_bytes), Some(&b"gzip"[..]));
        assert!(length(page) < 200);
        assert_eq!(length(shrink(&plain, of("text/html; charset=utf-8"))), text.len());
        assert_eq!(length(shrink(&request, of("application/json"))), text.len());
        assert_eq!(length(shrink(&request, of("text/event-stream"))), text.len());
    }
}
