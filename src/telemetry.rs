//! Logs, metrics, and whether the process is ready.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus_client::encoding::text::encode;
use secrecy::SecretString;
use tokio::sync::Notify;
use tracing_subscriber::EnvFilter;

use crate::config::telemetry::{LogFormat, Telemetry};

/// Sends log lines to stderr, as the settings say. A second call changes nothing.
///
/// # Errors
/// The filter cannot be read.
pub fn init(settings: &Telemetry) -> Result<(), String> {
    // A stream that its caller has left, or that an upstream broke, is no error of the server's. What happened to the
    // schema is told by `failsoft migrate`.
    let quiet = format!(
        "{},actix_http::h1::dispatcher=off,actix_server=warn,sea_orm_migration=warn,sqlx=warn",
        settings.log
    );
    // The filter is not repeated, and neither are the parser's words, which do.
    let filter = EnvFilter::try_new(quiet).map_err(|_| {
        "FAILSOFT_LOG cannot be read: write error, warn, info, debug, trace, or directives such as info,failsoft=debug"
            .to_owned()
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // Whoever came first has set up the logs of this process; tests start many servers in one.
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
    /// Of a process that can record while its database is away, or cannot.
    #[must_use]
    pub fn new(outlives_database: bool) -> Self {
        Self { draining: Arc::default(), at_once: Arc::default(), outlives_database }
    }

    /// From now on the process says that it is not ready.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// From now on a stop closes the port at once, without a notice before.
    pub fn skip_notice(&self) {
        self.at_once.notify_one();
    }

    /// Waits until that is said.
    pub async fn without_notice(&self) {
        self.at_once.notified().await;
    }

    /// Has it said so?
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// Can it record while its database is away?
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
    /// A registry that was filled.
    #[must_use]
    pub fn new(registry: prometheus_client::registry::Registry, token: Option<SecretString>) -> Self {
        Self { registry, token }
    }

    /// The token.
    #[must_use]
    pub fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    /// The metrics as text.
    ///
    /// # Errors
    /// A metric cannot be written.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
