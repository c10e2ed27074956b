//! `failsoft user reset-link`: a link with which a user sets a new password.

use anyhow::bail;
use entity::ids::UserId;
use uuid::Uuid;

use super::command::{block_on, explain, settle};
use super::output::say;
use crate::auth::console::link_secret;
use crate::config::{Overrides, Settings};
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::store::{LinkKind, Store};
use crate::validation::account::parse_email;

/// The maximum number of accounts of one address in the list.
const LISTED: u64 = 50;

/// Prints a link with which a user sets a new password. It works once, for a day.
///
/// Several accounts can have the same address, because addresses are not verified. The command then lists them, and
/// `--account` selects one.
///
/// It works on the database directly, also while servers use it. The link starts with the public URL, or else with the
/// listener's address.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The user's e-mail address.
    #[arg(value_name = "EMAIL", value_parser = parse_email)]
    email: String,
    /// The account, if several have the address.
    #[arg(long, value_name = "ID")]
    account: Option<Uuid>,
    #[command(flatten)]
    overrides: Overrides,
}

pub(super) fn reset_link(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { email, account, overrides } = arguments;
    let settings = settle(overrides)?;
    let link = block_on(make(settings, email, account))?;
    Ok(say(&link)?)
}

async fn make(settings: Settings, email: String, account: Option<Uuid>) -> anyhow::Result<String> {
    let clock = Clock::system();
    let store = Store::open_unloaded(&settings, clock.clone()).await?;
    let user_id = choose(&store, &email, account).await?;
    let (secret, token_hash) = link_secret::generate(store.vault()).map_err(explain)?;
    let (expires_at, actor) = (clock.now() + link_secret::RESET, Actor::system("command line"));
    let made = store.system().link_create(LinkKind::Reset, user_id, token_hash, expires_at, &actor).await;
    made.map_err(explain)?;
    store.close().await;
    let address = match &settings.server.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{}", settings.server.listen),
    };
    Ok(format!("{address}{}", link_secret::path("reset", &secret)))
}

/// The account of the address: the only one, or the selected one.
async fn choose(store: &Store, email: &str, account: Option<Uuid>) -> anyhow::Result<UserId> {
    let accounts = store.system().users_by_email(email, LISTED).await.map_err(explain)?;
    if let Some(id) = account {
        match accounts.iter().find(|account| account.id.0 == id) {
            Some(account) => return Ok(account.id),
            None => bail!("no account with the address {email} has the id {id}"),
        }
    }
    match accounts.as_slice() {
        [] => bail!("no account has the address {email}"),
        [only] => Ok(only.id),
        several => {
            let mut lines = Vec::with_capacity(several.len());
            for account in several {
                let organizations = store.system().user_organizations(account.id).await.map_err(explain)?;
                let names: Vec<String> = organizations.into_iter().map(|own| own.name).collect();
                lines.push(format!("{} ({})", account.id, names.join(", ")));
            }
            bail!(
                "several accounts have the address {email}; choose one with --account ID: {}",
                lines.join("; ")
            )
        }
    }
}
