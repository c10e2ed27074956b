//! Reads the settings from the file, the environment and the command line.
//!
//! Secrets are wrapped as they are read, and no error repeats a value.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use super::console::SignUp;
use super::database::{DatabaseUrl, PreparedStatements};
use super::recording::{Durability, Mode};
use super::server::{Origin, ProxyRange};
use super::telemetry::LogFormat;
use super::upstream::AllowedRange;
use super::valkey::ValkeyUrl;
use super::{Settings, check, environment, file};

/// Why the settings cannot be used: one line that names the source and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {source}")]
    Unreadable {
        /// The path of the file.
        path: PathBuf,
        /// Why it cannot be read.
        source: std::io::Error,
    },
    /// The file holds a bad value or an unknown key.
    #[error("the settings file {path} is wrong: {message}")]
    Malformed {
        /// The path of the file.
        path: PathBuf,
        /// Where and why, from the parser, without values.
        message: String,
    },
    /// A value is out of its range.
    #[error("{0}")]
    Unusable(String),
}

/// Settings of the command line and the environment; each overrides the file.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Overrides {
    /// A TOML file with settings.
    #[arg(long, env = "FAILSOFT_CONFIG", value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The address to listen on; port 0 picks a free one.
    #[arg(long, env = "FAILSOFT_LISTEN", value_name = "ADDR", global = true)]
    pub listen: Option<SocketAddr>,
    /// The database: `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`.
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub database_url: Option<DatabaseUrl>,
    /// A file with this address.
    #[arg(long, env = "DATABASE_URL_FILE", value_name = "FILE", global = true)]
    pub database_url_file: Option<PathBuf>,
    /// A replica of a PostgreSQL database, for lists, exports and figures.
    #[arg(
        long,
        env = "FAILSOFT_DATABASE_READ_URL",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub database_read_url: Option<DatabaseUrl>,
    /// A file with the address of the replica.
    #[arg(long, env = "FAILSOFT_DATABASE_READ_URL_FILE", value_name = "FILE", global = true)]
    pub database_read_url_file: Option<PathBuf>,
    /// Connections to the database that the process may open, in all.
    #[arg(long, env = "FAILSOFT_DATABASE_CONNECTIONS", value_name = "N", global = true)]
    pub database_connections: Option<u32>,
    /// `off`: for poolers by transaction that do not track prepared statements.
    #[arg(
        long,
        env = "FAILSOFT_DATABASE_PREPARED_STATEMENTS",
        value_enum,
        value_name = "on|off",
        global = true
    )]
    pub database_prepared_statements: Option<PreparedStatements>,
    /// A Valkey or Redis in which processes count limits together: `valkey://USER:PASSWORD@HOST:PORT`.
    #[arg(long, env = "FAILSOFT_VALKEY_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub valkey_url: Option<ValkeyUrl>,
    /// A file with the address of the Valkey.
    #[arg(long, env = "FAILSOFT_VALKEY_URL_FILE", value_name = "FILE", global = true)]
    pub valkey_url_file: Option<PathBuf>,
    /// The URL at which callers reach Failsoft.
    #[arg(long, env = "FAILSOFT_PUBLIC_URL", value_name = "URL", global = true)]
    pub public_url: Option<url::Url>,
    /// Proxies with a trusted X-Forwarded-For: addresses or CIDR ranges.
    #[arg(
        long,
        env = "FAILSOFT_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "RANGE",
        global = true
    )]
    pub trusted_proxies: Option<Vec<ProxyRange>>,
    /// Origins of pages that may call the API from a browser, or `*`.
    #[arg(long, env = "FAILSOFT_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN", global = true)]
    pub cors_origins: Option<Vec<Origin>>,
    /// Whether visitors may create organizations: `open` or `closed`.
    #[arg(long, env = "FAILSOFT_SIGNUP", value_enum, value_name = "open|closed", global = true)]
    pub signup: Option<SignUp>,
    /// Threads that serve requests.
    #[arg(long, env = "FAILSOFT_WORKERS", value_name = "N", global = true)]
    pub workers: Option<NonZeroUsize>,
    /// Concurrent requests to models of one organization.
    #[arg(long, env = "FAILSOFT_ORGANIZATION_REQUESTS", value_name = "N", global = true)]
    pub organization_requests: Option<usize>,
    /// Private ranges that providers may use: CIDR or CIDR:PORT.
    #[arg(
        long,
        env = "FAILSOFT_ALLOW_PRIVATE_UPSTREAMS",
        value_delimiter = ',',
        value_name = "RANGE",
        global = true
    )]
    pub allow_private_upstreams: Option<Vec<AllowedRange>>,
    /// Seconds for running answers to finish after a stop.
    #[arg(long, env = "FAILSOFT_DRAIN_SECONDS", value_name = "SECONDS", global = true)]
    pub drain_seconds: Option<u64>,
    /// Seconds for which /readyz fails before the port closes.
    #[arg(long, env = "FAILSOFT_DRAIN_NOTICE_SECONDS", value_name = "SECONDS", global = true)]
    pub drain_notice_seconds: Option<u64>,
    /// The master key's file; with SQLite it is created on the first start.
    #[arg(long, env = "FAILSOFT_MASTER_KEY_FILE", value_name = "FILE", global = true)]
    pub master_key_file: Option<PathBuf>,
    /// The master key, 32 bytes in base64. Only from the environment: arguments are visible to other users.
    #[arg(skip)]
    pub master_key: Option<SecretString>,
    /// Whether a model that keeps failing is not called for a while.
    #[arg(long, env = "FAILSOFT_COOLDOWN", value_name = "true|false", global = true)]
    pub cooldown: Option<bool>,
    /// A TOML file with error sentences of providers and what they mean.
    #[arg(long, env = "FAILSOFT_SENTENCES", value_name = "FILE", global = true)]
    pub sentences: Option<PathBuf>,
    /// `durable`, or `off` for benchmarks.
    #[arg(long, env = "FAILSOFT_RECORDING", value_enum, global = true)]
    pub recording: Option<Mode>,
    /// What a record survives: the death of the process, or also a power failure (`full`).
    #[arg(long, env = "FAILSOFT_DURABILITY", value_enum, value_name = "process|full", global = true)]
    pub durability: Option<Durability>,
    /// With PostgreSQL: the file that stores records while the database is unreachable, or `off`.
    #[arg(long, env = "FAILSOFT_SPOOL", value_name = "FILE", global = true)]
    pub spool: Option<PathBuf>,
    /// The maximum size of this file in bytes.
    #[arg(long, env = "FAILSOFT_SPOOL_BYTES", value_name = "BYTES", global = true)]
    pub spool_bytes: Option<u64>,
    /// Where records are written before they are deleted: `file:///PATH` or `s3://BUCKET/PREFIX`.
    #[arg(long, env = "FAILSOFT_ARCHIVE_URL", value_name = "URL", hide_env_values = true, global = true)]
    pub archive_url: Option<String>,
    /// The address of a storage with the interface of S3.
    #[arg(
        long,
        env = "FAILSOFT_ARCHIVE_ENDPOINT",
        value_name = "URL",
        hide_env_values = true,
        global = true
    )]
    pub archive_endpoint: Option<String>,
    /// Whether its buckets are in paths and not in host names.
    #[arg(long, env = "FAILSOFT_ARCHIVE_PATH_STYLE", value_name = "true|false", global = true)]
    pub archive_path_style: Option<bool>,
    /// The log filter: a level or directives.
    #[arg(long, env = "FAILSOFT_LOG", value_name = "FILTER", global = true)]
    pub log: Option<String>,
    /// The log format: `text` or `json`.
    #[arg(long, env = "FAILSOFT_LOG_FORMAT", value_enum, value_name = "FORMAT", global = true)]
    pub log_format: Option<LogFormat>,
    /// A separate listener for /metrics.
    #[arg(long, env = "FAILSOFT_METRICS_LISTEN", value_name = "ADDR", global = true)]
    pub metrics_listen: Option<SocketAddr>,
    /// The bearer token for /metrics. Only from the environment.
    #[arg(skip)]
    pub metrics_token: Option<SecretString>,
    /// A file with this token.
    #[arg(long, env = "FAILSOFT_METRICS_TOKEN_FILE", value_name = "FILE", global = true)]
    pub metrics_token_file: Option<PathBuf>,
}

impl Overrides {
    /// Adds the secrets, which come only from the environment.
    ///
    /// # Errors
    /// One of them is not valid text.
    pub fn with_secrets_from_environment(mut self) -> Result<Self, ConfigError> {
        self.master_key = environment::secret("FAILSOFT_MASTER_KEY")?;
        self.metrics_token = environment::secret("FAILSOFT_METRICS_TOKEN")?;
        Ok(self)
    }

    /// The checked settings: defaults, overridden by the file, overridden by these.
    ///
    /// # Errors
    /// The file cannot be read or has errors, or a value is out of range.
    pub fn settings(self) -> Result<Settings, ConfigError> {
        let mut settings = match &self.config {
            Some(path) => {
                environment::refuse_secret_as_path("FAILSOFT_CONFIG", path)?;
                file::read(path)?
            }
            None => Settings::default(),
        };
        self.refuse_secrets_from_two_places()?;
        self.apply(&mut settings);
        read_secrets(&mut settings)?;
        check::check(&settings)?;
        Ok(settings)
    }

    fn refuse_secrets_from_two_places(&self) -> Result<(), ConfigError> {
        let pairs = [
            ("DATABASE_URL", self.database_url.is_some(), self.database_url_file.is_some()),
            (
                "FAILSOFT_DATABASE_READ_URL",
                self.database_read_url.is_some(),
                self.database_read_url_file.is_some(),
            ),
            ("FAILSOFT_VALKEY_URL", self.valkey_url.is_some(), self.valkey_url_file.is_some()),
            ("FAILSOFT_MASTER_KEY", self.master_key.is_some(), self.master_key_file.is_some()),
            ("FAILSOFT_METRICS_TOKEN", self.metrics_token.is_some(), self.metrics_token_file.is_some()),
        ];
        match pairs.into_iter().find(|(_, secret, file)| *secret && *file) {
            Some((name, ..)) => Err(environment::both(name, &format!("{name}_FILE"))),
            None => Ok(()),
        }
    }

    fn apply(self, settings: &mut Settings) {
        fn set<T>(target: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *target = value;
            }
        }
        set(&mut settings.server.listen, self.listen);
        set(&mut settings.server.trusted_proxies, self.trusted_proxies);
        set(&mut settings.server.cors_origins, self.cors_origins);
        set(&mut settings.console.signup, self.signup);
        set(&mut settings.server.drain_seconds, self.drain_seconds);
        set(&mut settings.server.drain_notice_seconds, self.drain_notice_seconds);
        if let Some(url) = self.database_url {
            settings.database.url = url;
            settings.database.url_file = None;
        }
        if let Some(url) = self.database_read_url {
            settings.database.read_url = Some(url);
            settings.database.read_url_file = None;
        }
        settings.database.read_url_file =
            self.database_read_url_file.or(settings.database.read_url_file.take());
        if let Some(url) = self.valkey_url {
            settings.valkey.url = Some(url);
            settings.valkey.url_file = None;
        }
        settings.valkey.url_file = self.valkey_url_file.or(settings.valkey.url_file.take());
        settings.database.connections = self.database_connections.or(settings.database.connections);
        set(&mut settings.database.prepared_statements, self.database_prepared_statements);
        set(&mut settings.server.organization_requests, self.organization_requests);
        set(&mut settings.upstream.allow_private, self.allow_private_upstreams);
        set(&mut settings.gateway.cooldown, self.cooldown);
        settings.gateway.sentences = self.sentences.or(settings.gateway.sentences.take());
        set(&mut settings.recording.mode, self.recording);
        set(&mut settings.recording.durability, self.durability);
        set(&mut settings.recording.spool_bytes, self.spool_bytes);
        settings.recording.spool = self.spool.or(settings.recording.spool.take());
        settings.recording.resolve_spool();
        settings.archive.url = self.archive_url.or(settings.archive.url.take());
        settings.archive.endpoint = self.archive_endpoint.or(settings.archive.endpoint.take());
        settings.archive.path_style = self.archive_path_style.or(settings.archive.path_style);
        set(&mut settings.telemetry.log, self.log);
        set(&mut settings.telemetry.log_format, self.log_format);
        settings.server.public_url = self.public_url.or(settings.server.public_url.take());
        settings.server.workers = self.workers.or(settings.server.workers);
        settings.secrets.master_key_file = self.master_key_file.or(settings.secrets.master_key_file.take());
        settings.database.url_file = self.database_url_file.or(settings.database.url_file.take());
        settings.secrets.master_key = self.master_key;
        settings.telemetry.metrics_listen = self.metrics_listen.or(settings.telemetry.metrics_listen);
        settings.telemetry.metrics_token = self.metrics_token;
        let token_file = self.metrics_token_file.or(settings.telemetry.metrics_token_file.take());
        settings.telemetry.metrics_token_file = token_file;
    }
}

/// Reads the secret files. With SQLite the vault reads the master key's file, because it creates it on the first start.
fn read_secrets(settings: &mut Settings) -> Result<(), ConfigError> {
    if let Some(path) = &settings.database.url_file {
        let url = environment::read_secret("DATABASE_URL_FILE", path)?;
        settings.database.url = url.expose_secret().into();
    }
    if let Some(path) = &settings.database.read_url_file {
        let url = environment::read_secret("FAILSOFT_DATABASE_READ_URL_FILE", path)?;
        settings.database.read_url = Some(url.expose_secret().into());
    }
    if let Some(path) = &settings.valkey.url_file {
        let url = environment::read_secret("FAILSOFT_VALKEY_URL_FILE", path)?;
        settings.valkey.url = Some(url.expose_secret().into());
    }
    if let (None, Some(path)) = (&settings.telemetry.metrics_token, &settings.telemetry.metrics_token_file) {
        settings.telemetry.metrics_token =
            Some(environment::read_secret("FAILSOFT_METRICS_TOKEN_FILE", path)?);
    }
    if settings.archive.is_bucket() {
        settings.archive.secret_access_key = environment::secret_or_file("AWS_SECRET_ACCESS_KEY")?;
    }
    let (key, file) = (&settings.secrets.master_key, &settings.secrets.master_key_file);
    if let (None, Some(path), false) = (key, file, settings.database.is_sqlite()) {
        settings.secrets.master_key = Some(environment::read_secret("FAILSOFT_MASTER_KEY_FILE", path)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_default() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "[server]\nlisten = '127.0.0.1:1'\ndrain_seconds = 3\n")
            .expect("written");
        let overrides = Overrides {
            config: Some(file.path().to_owned()),
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 2))),
            ..Overrides::default()
        };
        let settings = overrides.settings().expect("settings");
        assert_eq!(settings.server.listen.port(), 2);
        assert_eq!(settings.server.drain_seconds, 3);
        assert_eq!(settings.server.body_idle_seconds, 10);
    }

    #[test]
    fn postgresql_needs_a_master_key_and_an_unknown_scheme_is_named_without_its_password() {
        let with_url = |url: &str| Overrides { database_url: Some(url.into()), ..Overrides::default() };
        let message = with_url("postgres://a:secret@b/c").settings().expect_err("refused").to_string();
        assert!(message.contains("FAILSOFT_MASTER_KEY") && !message.contains("secret"), "{message}");
        let message = with_url("mysql://a:secret@b/c").settings().expect_err("refused").to_string();
        assert!(message.contains("mysql") && !message.contains("secret"), "{message}");
    }

    #[test]
    fn a_secret_comes_from_its_file_and_not_from_two_places() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            Some(path)
        };
        let files = Overrides {
            database_url_file: file("url", "postgres://a:b@c/d\n"),
            master_key_file: file("key", "a key\n"),
            metrics_token_file: file("token", "a token\n"),
            valkey_url_file: file("valkey", "valkey://:secret@cache\n"),
            ..Overrides::default()
        };
        let settings = files.clone().settings().expect("settings");
        assert_eq!(settings.database.url.expose(), "postgres://a:b@c/d");
        assert_eq!(settings.secrets.master_key.expect("a key").expose_secret(), "a key");
        assert_eq!(settings.telemetry.metrics_token.expect("a token").expose_secret(), "a token");
        assert_eq!(settings.valkey.url.expect("a URL").expose(), "valkey://:secret@cache");
        for twice in [
            Overrides { database_url: Some("sqlite://a".into()), ..files.clone() },
            Overrides { master_key: Some("another".into()), ..files.clone() },
            Overrides { metrics_token: Some("another".into()), ..files.clone() },
            Overrides { valkey_url: Some("valkey://a".into()), ..files.clone() },
        ] {
            let message = twice.settings().expect_err("refused").to_string();
            assert!(message.contains("_FILE are both set"), "{message}");
        }
    }

    #[test]
    fn a_token_that_no_client_can_send_is_refused() {
        let with = |token: &str| Overrides { metrics_token: Some(token.into()), ..Overrides::default() };
        for token in [" ", "\t", " token", "token ", "token\n", "to\nken"] {
            let message = with(token).settings().expect_err("refused").to_string();
            assert!(message.contains("FAILSOFT_METRICS_TOKEN is blank"), "{token:?}: {message}");
        }
        assert!(with("a token").settings().is_ok());
    }

    #[test]
    fn what_the_environment_says_of_a_secret_wins_over_the_file_of_settings() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "[database]\nurl_file = '/nowhere'\n").expect("written");
        let overrides = Overrides {
            config: Some(file.path().to_owned()),
            database_url: Some("sqlite://a".into()),
            ..Overrides::default()
        };
        assert_eq!(overrides.settings().expect("settings").database.url.expose(), "sqlite://a");
    }
}
