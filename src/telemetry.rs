//! Logs, metrics, and whether the process is ready.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus_client::encoding::text::encode;
use secrecy::SecretString;
use tokio::sync::Notify;
use tracing_subscriber::EnvFilter;

use crate::config::telemetry::{LogFormat, Telemetry};

/// Sets up logging to stderr according to the settings. A second call has no effect.
///
/// # Errors
/// The log filter cannot be parsed.
pub fn init(settings: &Telemetry) -> Result<(), String> {
    // A stream that its caller left or an upstream broke is not an error of the server. `failsoft migrate` itself
    // reports changes of the schema.
    let quiet = format!(
        "{},actix_http::h1::dispatcher=off,actix_server=warn,sea_orm_migration=warn,sqlx=warn",
        settings.log
    );
    // The message repeats neither the filter nor the parser's error, which contains it.
    let filter = EnvFilter::try_new(quiet).map_err(|_| {
        "FAILSOFT_LOG cannot be read: write error, warn, info, debug, trace, or directives such as info,failsoft=debug"
            .to_owned()
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // Tests start many servers in one process; the first one sets up its logs.
    let _ = match settings.log_format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    Ok(())
}

/// Whether the process takes new work.
#[derive(Debug, Clone)]
pub struct Readiness {
    draining: Arc<AtomicBool>,
    at_once: Arc<Notify>,
    outlives_database: bool,
}

impl Readiness {
    /// A process that is ready. `outlives_database`: it can record while its database is unreachable.
    #[must_use]
    pub fn new(outlives_database: bool) -> Self {
        Self { draining: Arc::default(), at_once: Arc::default(), outlives_database }
    }

    /// Makes the process report that it is not ready.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Makes a stop close the port at once, without notice.
    pub fn skip_notice(&self) {
        self.at_once.notify_one();
    }

    /// Waits until [`Readiness::skip_notice`] is called.
    pub async fn without_notice(&self) {
        self.at_once.notified().await;
    }

    /// Whether [`Readiness::drain`] was called.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Whether it can record while its database is unreachable.
    #[must_use]
    pub fn outlives_database(&self) -> bool {
        self.outlives_database
    }
}

/// The metrics of the process, and the token that guards them on the main listener.
#[derive(Debug)]
pub struct Registry {
    registry: prometheus_client::registry::Registry,
    token: Option<SecretString>,
}

impl Registry {
    /// Wraps a filled registry and its optional token.
    #[must_use]
    pub fn new(registry: prometheus_client::registry::Registry, token: Option<SecretString>) -> Self {
        Self { registry, token }
    }

    /// The token that `/metrics` requires, if any.
    #[must_use]
    pub fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    /// The metrics in Prometheus text format.
    ///
    /// # Errors
    /// A metric cannot be written.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
