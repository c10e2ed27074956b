//! Checks across settings. An error never repeats a value: it may be a secret in the wrong place.

use secrecy::ExposeSecret as _;

use super::database::Database;
use super::valkey::ValkeyUrl;
use super::{ConfigError, Settings, environment};

/// The most connections of a process to the database.
const MOST_CONNECTIONS: u32 = 1_000;

/// Checks that the settings are usable together.
pub(super) fn check(settings: &Settings) -> Result<(), ConfigError> {
    let refuse = |message: &str| Err(ConfigError::Unusable(message.to_owned()));
    settings.database.url.check().map_err(ConfigError::Unusable)?;
    if !settings.database.is_sqlite() && settings.secrets.master_key.is_none() {
        return refuse(
            "FAILSOFT_MASTER_KEY or FAILSOFT_MASTER_KEY_FILE is required with PostgreSQL: 32 random bytes in base64, the same for every replica (make one with: openssl rand -base64 32)",
        );
    }
    for (name, path) in [
        ("FAILSOFT_MASTER_KEY_FILE", &settings.secrets.master_key_file),
        ("FAILSOFT_SPOOL", &settings.recording.spool),
        ("FAILSOFT_SENTENCES", &settings.gateway.sentences),
    ] {
        path.as_ref().map_or(Ok(()), |path| environment::refuse_secret_as_path(name, path))?;
    }
    if let Some(url) = &settings.server.public_url {
        public_url(url)?;
    }
    metrics_token(settings)?;
    connections(&settings.database)?;
    replica(&settings.database)?;
    settings.archive.place().map_err(ConfigError::Unusable)?;
    settings.valkey.url.as_ref().map_or(Ok(()), ValkeyUrl::check).map_err(ConfigError::Unusable)?;
    if settings.gateway.keepalive_interval_ms == 0 {
        return refuse("gateway.keepalive_interval_ms must be at least 1");
    }
    if settings.recording.queue < 16 {
        return refuse("recording.queue must be at least 16");
    }
    if settings.recording.spool_bytes < 1 << 20 {
        return refuse("recording.spool_bytes must be at least 1048576, a mebibyte");
    }
    Ok(())
}

/// Whether a client can send the token of the metrics: HTTP removes blanks around a header.
fn metrics_token(settings: &Settings) -> Result<(), ConfigError> {
    let Some(token) = &settings.telemetry.metrics_token else { return Ok(()) };
    let token = token.expose_secret();
    if !token.is_empty() && token.trim() == token && !token.contains(char::is_control) {
        return Ok(());
    }
    Err(ConfigError::Unusable(
        "FAILSOFT_METRICS_TOKEN is blank, has a blank at an end or has a line break: no client can send it"
            .to_owned(),
    ))
}

/// Whether the number of connections is between the fewest that work and the most that make sense.
fn connections(section: &Database) -> Result<(), ConfigError> {
    let fewest = section.fewest_connections();
    if section.connections.is_none_or(|connections| (fewest..=MOST_CONNECTIONS).contains(&connections)) {
        return Ok(());
    }
    let name = if section.is_sqlite() { "SQLite" } else { "PostgreSQL" };
    Err(ConfigError::Unusable(format!(
        "FAILSOFT_DATABASE_CONNECTIONS must be from {fewest} to {MOST_CONNECTIONS} with {name}: it is the number of connections that one process may open, in all"
    )))
}

/// Whether a replica is one of PostgreSQL, of a database in PostgreSQL.
fn replica(section: &Database) -> Result<(), ConfigError> {
    let Some(url) = &section.read_url else { return Ok(()) };
    let unusable = |message: &str| Err(ConfigError::Unusable(message.to_owned()));
    if section.is_sqlite() {
        return unusable(
            "FAILSOFT_DATABASE_READ_URL is for PostgreSQL only, and DATABASE_URL is not one; take it away",
        );
    }
    let name = |message: String| message.replacen("DATABASE_URL", "FAILSOFT_DATABASE_READ_URL", 1);
    url.check().map_err(|message| ConfigError::Unusable(name(message)))?;
    if !url.expose().starts_with("postgres") {
        return unusable(
            "FAILSOFT_DATABASE_READ_URL is no PostgreSQL; write postgres://USER:PASSWORD@HOST/NAME",
        );
    }
    Ok(())
}

/// Whether the URL is an origin without a path: links, assets, redirects and cookies start at its root.
fn public_url(url: &url::Url) -> Result<(), ConfigError> {
    let why = if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        "begins with neither http:// nor https://"
    } else if !url.username().is_empty() || url.password().is_some() {
        "holds a user or a password"
    } else if url.path() != "/" {
        "has a path; Failsoft serves at the root of a host, so give it a host name of its own"
    } else if url.query().is_some() || url.fragment().is_some() {
        "has a '?' or a '#'"
    } else {
        return Ok(());
    };
    Err(ConfigError::Unusable(format!("FAILSOFT_PUBLIC_URL {why}; write it as https://gateway.example.com")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_an_origin() {
        for text in ["https://gateway.example.com", "http://gateway.example.com:8080/", "https://[::1]"] {
            assert!(public_url(&text.parse().expect("a URL")).is_ok(), "{text}");
        }
        for (text, why) in [
            ("https://gateway.example.com/llm", "path"),
            ("https://gateway.example.com/llm/", "path"),
            ("https://user:canary@gateway.example.com", "password"),
            ("https://canary@gateway.example.com", "password"),
            ("https://gateway.example.com/?canary", "'?'"),
            ("https://gateway.example.com/#canary", "'?'"),
            ("ftp://canary.example.com", "neither"),
            ("canary:8080", "neither"),
        ] {
            let message = public_url(&text.parse().expect("a URL")).expect_err(text).to_string();
            assert!(message.contains(why) && !message.contains("canary"), "{text}: {message}");
        }
    }
}
