//! `failsoft rotate-master-key`: encrypts every secret with a new master key.

use anyhow::bail;
use secrecy::{ExposeSecret as _, SecretString};

use super::command::{block_on, settle};
use super::output::say;
use crate::config::{Overrides, Settings, environment};
use crate::domain::clock::Clock;
use crate::store::{Claim, Store, vault};

/// Encrypts every secret in the database with a new master key.
///
/// The new key is read from FAILSOFT_NEW_MASTER_KEY, or from the file that FAILSOFT_NEW_MASTER_KEY_FILE names: 32 random
/// bytes in base64. If the current key is in a key file (SQLite), it can be omitted: then a random key is created and
/// written to the file. Stop every other process on this database first, and start it again with the new key
/// afterwards. API keys, passwords and sessions do not change.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    overrides: Overrides,
}

const NEW_KEY: &str = "FAILSOFT_NEW_MASTER_KEY";

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings = settle(arguments.overrides)?;
    // Not from arguments, which are visible to other users of the machine.
    let new_key = environment::secret_or_file(NEW_KEY)?;
    check(&settings, new_key.as_ref())?;
    // A running server would encrypt changes with the key that it has in memory.
    let _claim = Claim::take(&settings.database)?;
    let count = block_on(async {
        let store = Store::open_unloaded(&settings, Clock::system()).await?;
        let count = vault::rotate(&store, &settings, new_key.as_ref()).await?;
        store.close().await;
        Ok(count)
    })?;
    let next = match (&settings.secrets.master_key, &settings.secrets.master_key_file) {
        (None, _) => "The key file holds the new key. Start every other process on this database again.",
        (Some(_), Some(_)) if !settings.database.is_sqlite() => {
            "Put the new key into the file that FAILSOFT_MASTER_KEY_FILE names, and start every other process on this database again with it."
        }
        (Some(_), _) => {
            "Set FAILSOFT_MASTER_KEY to the new key, and start every other process on this database again with it."
        }
    };
    Ok(say(&format!("Sealed again under the new master key: {count} values.\n{next}"))?)
}

/// Refuses obvious mistakes before the database is opened.
fn check(settings: &Settings, new_key: Option<&SecretString>) -> anyhow::Result<()> {
    let in_use = settings.secrets.master_key.as_ref();
    match (in_use, new_key) {
        (Some(_), None) => bail!(
            "{NEW_KEY} is not set: if the current key comes from FAILSOFT_MASTER_KEY, and always with PostgreSQL, set the new key in {NEW_KEY} or {NEW_KEY}_FILE (create one with: openssl rand -base64 32)"
        ),
        (Some(in_use), Some(new_key)) if in_use.expose_secret().trim() == new_key.expose_secret().trim() => {
            bail!("{NEW_KEY} is the current key; create a new one with: openssl rand -base64 32")
        }
        (Some(_), Some(_)) | (None, _) => Ok(()),
    }
}
