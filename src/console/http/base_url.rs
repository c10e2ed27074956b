//! The base URL of this server, for links and commands that people copy.

use actix_web::HttpRequest;
use actix_web::http::header::HOST;

use crate::config::Settings;

/// Scheme and authority without a trailing slash: as configured, or from the request's host header.
#[must_use]
pub fn of(settings: &Settings, request: &HttpRequest) -> String {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    address(settings, host)
}

fn address(settings: &Settings, host: Option<&str>) -> String {
    if let Some(url) = &settings.server.public_url {
        return url.as_str().trim_end_matches('/').to_owned();
    }
    let known = |letter: char| letter.is_ascii_alphanumeric() || "-.:[]".contains(letter);
    match host.filter(|host| !host.is_empty() && host.chars().all(known)) {
        Some(host) => format!("http://{host}"),
        None => format!("http://{}", settings.server.listen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_url_is_configured_or_from_the_host_header() {
        let mut settings = Settings::default();
        assert_eq!(address(&settings, Some("gateway.test:8080")), "http://gateway.test:8080");
        assert_eq!(address(&settings, Some("[::1]:80")), "http://[::1]:80");
        for host in [None, Some(""), Some("a'b"), Some("<script>"), Some("a b")] {
            assert_eq!(address(&settings, host), "http://127.0.0.1:8080", "{host:?}");
        }
        settings.server.public_url = Some("https://gateway.test/".parse().expect("a URL"));
        assert_eq!(address(&settings, Some("elsewhere.test")), "https://gateway.test");
    }
}
