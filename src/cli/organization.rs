//! `failsoft org create`: an organization with its owner and a first API key.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use anyhow::{Context as _, bail, ensure};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use zeroize::Zeroizing;

use super::command::{block_on, explain, settle};
use super::output::{remark, say};
use crate::auth::api::api_key;
use crate::auth::console::password;
use crate::auth::console::password::HashSettings;
use crate::config::{Overrides, Settings};
use crate::domain::actor::Actor;
use crate::domain::clock::Clock;
use crate::domain::permission::Scope;
use crate::store::maintenance::system::NewOrganization;
use crate::store::{ModelLimits, NewApiKey, Store};
use crate::validation::account::{parse_email, parse_name};

/// Creates an organization, its owner, and an API key with all scopes, which is shown only once.
///
/// It works on the database directly, also while servers use it. They know the organization within two seconds.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The name of the organization.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: String,
    /// The owner's e-mail address.
    #[arg(long, value_name = "EMAIL", value_parser = parse_email)]
    email: String,
    /// Reads the owner's password from the first line of standard input.
    #[arg(long, required = true)]
    password_stdin: bool,
    /// Creates an account even if the address already has one; addresses are not verified.
    #[arg(long)]
    another_account: bool,
    /// Prints one JSON object {organization_id, user_id, api_key} and nothing else.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    overrides: Overrides,
}

pub(super) fn create(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { name, email, password_stdin: _, another_account, json, overrides } = arguments;
    let settings = settle(overrides)?;
    let password = read_password(&email, &name)?;
    let created = block_on(make(settings, (name.clone(), email.clone()), password, another_account))?;
    let Created { organization_id, user_id, key } = &created;
    let key = key.expose_secret();
    if json {
        let object = json!({ "organization_id": organization_id, "user_id": user_id, "api_key": key });
        return Ok(say(&object.to_string())?);
    }
    Ok(say(&format!(
        "The organization '{name}' is made.\n\
         organization id  {organization_id}\n\
         owner            {email} ({user_id})\n\
         API key          {key}\n\
         The key has all scopes and is shown only now."
    ))?)
}

/// The actor of these changes in the audit log.
const ACTOR: &str = "command line";

struct Created {
    organization_id: entity::ids::OrganizationId,
    user_id: entity::ids::UserId,
    key: SecretString,
}

async fn make(
    settings: Settings,
    (name, email): (String, String),
    password: SecretString,
    another_account: bool,
) -> anyhow::Result<Created> {
    let store = Store::open_unloaded(&settings, Clock::system()).await?;
    let known = store.system().user_by_email(&email).await.map_err(explain)?;
    ensure!(
        known.is_none() || another_account,
        "that e-mail address already has a user; to make another account of it, add --another-account"
    );
    let hash_settings = match known.and_then(|user| user.password_hash) {
        Some(hash) => HashSettings::of_hash(&hash).map_err(explain)?,
        None => HashSettings::of_address(store.vault(), &email),
    };
    let password_hash = password::hash_by(password, vec![hash_settings]).await.map_err(explain)?.pop();
    let actor = Some(Actor::system(ACTOR));
    let new = NewOrganization { name, email, password_hash, actor, ..NewOrganization::default() };
    let created = store.system().organization_create(new).await.map_err(explain)?;
    let key = first_key(&store, created.organization_id, ACTOR).await?;
    store.close().await;
    Ok(Created { organization_id: created.organization_id, user_id: created.user_id, key })
}

/// Creates an API key with every scope for an organization; `actor` is its creator in the audit log.
pub(super) async fn first_key(
    store: &Store,
    organization_id: entity::ids::OrganizationId,
    actor: &str,
) -> anyhow::Result<SecretString> {
    let new = api_key::generate()?;
    let row = NewApiKey {
        name: "first key".to_owned(),
        key_hash: store.vault().key_hash(new.key.expose_secret()),
        prefix: new.prefix,
        last_four: new.last_four,
        scopes: Scope::ALL.map(|scope| scope.as_str().to_owned()).to_vec(),
        models: None,
        requests_per_minute: None,
        concurrent_requests: None,
        requests_per_day: None,
        tokens_per_minute: None,
        tokens_per_day: None,
        model_limits: ModelLimits::default(),
        expires_at: None,
        created_by: None,
    };
    let organization = store.system().organization(organization_id, actor);
    organization.api_key_create(row).await.map_err(explain)?;
    Ok(new.key)
}

fn read_password(email: &str, name: &str) -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        remark(&format!("The password of {email}, then Enter; it is shown as you type:"));
    }
    let mut line = Zeroizing::new(String::new());
    // More than the longest allowed password, so that no more is read into memory.
    let limit = u64::try_from(password::MAX_BYTES)? + 16;
    stdin.lock().take(limit).read_line(&mut line).context("cannot read the password from standard input")?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    let text = text.strip_suffix('\r').unwrap_or(text);
    ensure!(!text.is_empty(), "standard input holds no password: write it there as one line");
    let password = SecretString::from(text);
    match password::objection(&password, &[email, name]) {
        Some(objection) => bail!("{objection}"),
        None => Ok(password),
    }
}
