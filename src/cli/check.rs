//! `failsoft check`: reports whether the server would start, and what to do if not.

use anyhow::bail;

use super::command::{block_on, settle};
use super::output::{one_line, say};
use crate::app;
use crate::app::own_addresses::OwnPlaces;
use crate::config::{Overrides, Settings};
use crate::domain::clock::Clock;
use crate::domain::plural::plural;
use crate::limits::valkey::ValkeyClient;
use crate::store::database::schema;
use crate::store::{ConnectError, Store, vault};
use crate::upstream::AddressPolicy;

/// Checks the configuration, the archive, Valkey, the database, the master key and the addresses of all providers.
///
/// It prints a line for each: ok, or failed with the remedy. The exit code is 1 if any failed. It calls no provider and
/// resolves no name of one.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    overrides: Overrides,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut report = Report::default();
    match settle(arguments.overrides) {
        Ok(settings) => {
            report.ok("configuration", "it can be read, and its values are usable")?;
            sentences(&settings, &mut report)?;
            block_on(async {
                archive(&settings, &mut report).await?;
                valkey(&settings, &mut report).await?;
                look(&settings, &mut report).await
            })?;
        }
        Err(error) => report.failed("configuration", &one_line(&error))?,
    }
    match report.failures {
        0 => Ok(()),
        1 => bail!("a check failed"),
        failures => bail!("{failures} checks failed"),
    }
}

/// Prints each line immediately, so that it is visible where a check hangs.
#[derive(Default)]
struct Report {
    failures: usize,
}

impl Report {
    fn ok(&mut self, what: &str, finding: &str) -> std::io::Result<()> {
        say(&format!("ok      {what}: {finding}"))
    }

    fn failed(&mut self, what: &str, finding: &str) -> std::io::Result<()> {
        self.failures += 1;
        say(&format!("failed  {what}: {finding}"))
    }
}

fn sentences(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let Some(path) = settings.gateway.sentences.as_deref() else { return Ok(()) };
    match app::sentences_file::read(Some(path)) {
        Ok(read) => {
            let dated = read.dated.map_or_else(String::new, |date| format!(", dated {date}"));
            report.ok("sentences", &format!("{} are added to those built in{dated}", read.added()))?;
        }
        Err(error) => report.failed("sentences", &one_line(&error.into()))?,
    }
    Ok(())
}

/// Writes an object, reads it and removes it.
async fn archive(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let checked = match app::archive::open(settings) {
        Ok(None) => return Ok(()),
        Ok(Some(archive)) => archive.check().await.map_err(|error| error.to_string()),
        Err(error) => Err(error),
    };
    match checked {
        Ok(()) => report.ok("archive", "it can be written, read and listed")?,
        Err(error) => {
            let finding = format!(
                "{error}. A server starts, and keeps all records until it can be written; check FAILSOFT_ARCHIVE_URL"
            );
            report.failed("archive", &finding)?;
        }
    }
    Ok(())
}

/// Asks Valkey whether it is there.
async fn valkey(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let Some(url) = &settings.valkey.url else { return Ok(()) };
    let answered = async { ValkeyClient::new(url)?.ping().await }.await;
    match answered {
        Ok(()) => report.ok("valkey", "it answers")?,
        Err(error) => {
            let finding = format!(
                "{error}. A server starts, and each process has its share of every limit until it answers; check FAILSOFT_VALKEY_URL"
            );
            report.failed("valkey", &finding)?;
        }
    }
    Ok(())
}

async fn look(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    match schema::pending(&settings.database).await {
        Ok(pending) if pending.is_empty() => {
            report.ok("database", "it answers, and its schema is up to date")?
        }
        Ok(pending) => {
            let lacking = format!(
                "its schema lacks {} {}; run 'failsoft migrate', or start 'failsoft serve', which does the same",
                pending.len(),
                plural(i64::try_from(pending.len()).unwrap_or(i64::MAX), "change", "changes")
            );
            report.failed("database", &lacking)?;
            return form_of_master_key(settings, report);
        }
        Err(error) => {
            report.failed("database", &one_line(&error.into()))?;
            return form_of_master_key(settings, report);
        }
    }
    match Store::open_unloaded(settings, Clock::system()).await {
        Ok(store) => {
            report.ok("master key", "it opens the secrets of this database")?;
            replica(&store, report).await?;
            addresses(&store, settings, report).await?;
            store.close().await;
        }
        Err(ConnectError::Vault(error)) => report.failed("master key", &one_line(&error.into()))?,
        Err(error) => report.failed("database", &one_line(&error.into()))?,
    }
    Ok(())
}

/// Reports a malformed master key, which can be seen without the database.
fn form_of_master_key(settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    if let Err(error) = vault::check_master_key(settings) {
        report.failed("master key", &one_line(&error.into()))?;
    }
    Ok(())
}

async fn replica(store: &Store, report: &mut Report) -> anyhow::Result<()> {
    match store.reach_replica().await {
        Ok(()) if store.has_replica() => report.ok("replica", "it answers")?,
        Ok(()) => {}
        Err(reason) => {
            let finding = format!(
                "{reason}. A server starts, and reads records from the database instead; check FAILSOFT_DATABASE_READ_URL"
            );
            report.failed("replica", &finding)?;
        }
    }
    Ok(())
}

async fn addresses(store: &Store, settings: &Settings, report: &mut Report) -> anyhow::Result<()> {
    let policy = AddressPolicy::new(settings.upstream.allow_private.clone());
    let places = OwnPlaces::of_all(&settings.database, &settings.archive, &settings.valkey);
    let own = [settings.server.listen].into_iter().chain(settings.telemetry.metrics_listen);
    policy.set_own(own.chain(places.sockets).collect(), places.names);
    let providers = store.system().provider_addresses().await.map_err(super::command::explain)?;
    let before = report.failures;
    for provider in &providers {
        if let Err(blocked) = policy.check(&provider.address) {
            let what = format!("provider '{}' of '{}'", provider.provider, provider.organization);
            report.failed(&what, &format!("{blocked} (it is {})", provider.address))?;
        }
    }
    if report.failures == before {
        let finding = format!("all may be called; providers with an address: {}", providers.len());
        report.ok("provider addresses", &finding)?;
    }
    Ok(())
}
