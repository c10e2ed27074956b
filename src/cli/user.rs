//! `failsoft user reset-link`: a link by which somebody sets a new password.

use anyhow::bail;

use super::output::say;
use super::{block_on, explain, settle};
use crate::auth::account::parse_email;
use crate::auth::link;
use crate::clock::Clock;
use crate::config::{Overrides, Settings};
use crate::store::{Actor, LinkKind, Store};

/// Prints a link by which a person sets a new password. It works once, for a day.
///
/// It works on the database directly, also while servers run on it. The link starts with the public URL, or else with the
/// listener's address.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The person's e-mail address.
    #[arg(value_name = "EMAIL", value_parser = parse_email)]
    email: String,
    #[command(flatten)]
    overrides: Overrides,
}

pub(super) fn reset_link(arguments: Arguments) -> anyhow::Result<()> {
    let settings = settle(arguments.overrides)?;
    let link = block_on(make(settings, arguments.email))?;
    Ok(say(&link)?)
}

async fn make(settings: Settings, email: String) -> anyhow::Result<String> {
    let clock = Clock::system();
    let store = Store::open_unloaded(&settings, clock.clone()).await?;
    let Some(user) = store.system().user_by_email(&email).await.map_err(explain)? else {
        bail!("nobody has an account with the address {email}");
    };
    let (secret, token_hash) = link::generate(store.vault()).map_err(explain)?;
    let (expires_at, actor) = (clock.now() + link::RESET, Actor::system("command line"));
    let made = store.system().link_create(LinkKind::Reset, user.id, token_hash, expires_at, &actor).await;
    made.map_err(explain)?;
    store.close().await;
    let address = match &settings.server.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://{}", settings.server.listen),
    };
    Ok(format!("{address}{}", link::path("reset", &secret)))
}
