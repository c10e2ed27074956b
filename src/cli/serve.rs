//! `failsoft serve`: runs the gateway until a signal stops it.

use anyhow::bail;

use super::command::{block_on, reachable, settle};
use super::output::announce;
use super::signals::{INTERRUPT, Signals};
use crate::app::{Application, Stopper};
use crate::config::console::SignUp;
use crate::config::{Overrides, Settings};
use crate::domain::clock::Clock;
use crate::store::{Claim, ClaimError};

/// Runs the gateway until SIGTERM or SIGINT.
///
/// It prints one line with its address once it accepts connections. At the first signal it accepts no new requests and
/// lets running ones finish, within the drain time; a second signal ends it at once.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    overrides: Overrides,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings = settle(arguments.overrides)?;
    block_on(serve(settings))
}

async fn serve(settings: Settings) -> anyhow::Result<()> {
    let public_url = settings.server.public_url.clone();
    let sign_up = settings.console.signup;
    let mut claim = Claim::take(&settings.database)?;
    let application = Application::build(settings, Clock::system()).await?;
    let mut line = format!("Failsoft listens on http://{}", application.address());
    if let Some(url) = &public_url {
        line.push_str(&format!(", public URL {url}"));
    }
    let is_empty = application.store().system().organization_count().await? == 0;
    if is_empty {
        tracing::warn!(
            "there is no organization yet; create the first one with: \
             failsoft org create --name NAME --email EMAIL --password-stdin"
        );
    }
    if sign_up == SignUp::Open {
        let listening = format!("http://{}", reachable(application.address()));
        let address = public_url.as_ref().map_or(listening.as_str(), |url| url.as_str());
        let address = address.trim_end_matches('/');
        let why = if is_empty { "There is no organization yet. " } else { "" };
        line.push_str(&format!(
            "\n{why}Sign-up is open to all: {address}/signup (close it: --signup closed)"
        ));
    }
    until_stopped(application, || announce(&line), claim.lost()).await
}

/// Runs an application until a signal stops it or its database is `lost` to another server, and calls `ready` once it
/// accepts connections.
pub(super) async fn until_stopped(
    application: Application,
    ready: impl FnOnce(),
    lost: impl Future<Output = ClaimError>,
) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let (stopper, mut stopped) = Stopper::new();
    let readiness = application.readiness().clone();
    let stop = async move {
        ready();
        // The stopper is defined below, so it lives longer than this.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    };
    let mut running = std::pin::pin!(application.run_until(stop));
    let lost = tokio::select! {
        result = &mut running => return Ok(result?),
        error = lost => {
            tracing::error!("{error}");
            readiness.skip_notice();
            Some(error)
        }
        signal = signals.next() => {
            tracing::info!("{signal}: running answers may finish; a second signal stops at once");
            // A supervisor sends SIGTERM and needs time to tell a load balancer; SIGINT comes from a terminal.
            if signal == INTERRUPT {
                readiness.skip_notice();
            }
            None
        }
    };
    stopper.stop();
    tokio::select! {
        result = &mut running => result?,
        signal = signals.next() => bail!("a second signal ({signal}) stopped it at once: running answers were cut off"),
    }
    lost.map_or(Ok(()), |error| Err(error.into()))
}
