//! `failsoft org create`: an organization with its owner and a first API key.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use anyhow::{Context as _, bail, ensure};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use zeroize::Zeroizing;

use super::output::{remark, say};
use super::{block_on, explain, settle};
use crate::auth::permission::Scope;
use crate::auth::{api_key, password};
use crate::clock::Clock;
use crate::config::{Overrides, Settings};
use crate::store::system::NewOrganization;
use crate::store::{NewApiKey, Store};

/// Makes an organization, its owner, and an API key with all scopes, which is shown this once.
///
/// It works on the database directly, also while servers run on it: they know the organization within two seconds.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The organization's name.
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    name: String,
    /// The owner's e-mail address.
    #[arg(long, value_name = "EMAIL", value_parser = parse_email)]
    email: String,
    /// Reads the owner's password from the first line of standard input.
    #[arg(long, required = true)]
    password_stdin: bool,
    /// Prints one JSON object {organization_id, user_id, api_key} and nothing else.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    overrides: Overrides,
}

pub(super) fn create(arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { name, email, password_stdin: _, json, overrides } = arguments;
    let settings = settle(overrides)?;
    let password = read_password(&email)?;
    let created = block_on(make(settings, name.clone(), email.clone(), password))?;
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

struct Created {
    organization_id: entity::ids::OrganizationId,
    user_id: entity::ids::UserId,
    key: SecretString,
}

async fn make(
    settings: Settings,
    name: String,
    email: String,
    password: SecretString,
) -> anyhow::Result<Created> {
    let store = Store::open_unloaded(&settings, Clock::system()).await?;
    let password_hash = Some(password::hash(password).await.map_err(explain)?);
    let new = NewOrganization { name, email, password_hash };
    let created = store.system().organization_create(new).await.map_err(explain)?;
    let key = first_key(&store, created.organization_id, "command line").await?;
    store.close().await;
    Ok(Created { organization_id: created.organization_id, user_id: created.user_id, key })
}

/// Makes an API key with every scope for an organization, in the name of `actor`.
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
        expires_at: None,
        created_by: None,
    };
    let organization = store.system().organization(organization_id, actor);
    organization.api_key_create(row).await.map_err(explain)?;
    Ok(new.key)
}

fn read_password(email: &str) -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        remark(&format!("The password of {email}, then Enter; it is shown as you type:"));
    }
    let mut line = Zeroizing::new(String::new());
    // Longer than any password that is taken, and no more than that is kept in memory.
    let limit = u64::try_from(password::LONGEST)? + 16;
    stdin.lock().take(limit).read_line(&mut line).context("cannot read the password from standard input")?;
    let text = line.strip_suffix('\n').unwrap_or(&line);
    let text = text.strip_suffix('\r').unwrap_or(text);
    ensure!(!text.is_empty(), "standard input holds no password: write it there as one line");
    let password = SecretString::from(text);
    match password::objection(&password) {
        Some(objection) => bail!("{objection}"),
        None => Ok(password),
    }
}

const LONGEST_NAME: usize = 100;
const LONGEST_EMAIL: usize = 254;

fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(format!("a name has 1 to {LONGEST_NAME} characters and no control characters"));
    }
    Ok(name.to_owned())
}

/// Whether mail arrives is for the mail to show; this catches slips of the hand.
fn parse_email(text: &str) -> Result<String, String> {
    let email = text.trim();
    let shaped = email.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && !domain.contains('@') && domain.split('.').all(|label| !label.is_empty())
    });
    let unusual = |character: char| character.is_control() || character.is_whitespace();
    if !shaped || email.len() > LONGEST_EMAIL || email.chars().any(unusual) {
        return Err("that is no e-mail address; write it as name@example.com".to_owned());
    }
    Ok(email.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_two_parts_and_no_blanks() {
        assert_eq!(parse_email(" Ann@Example.com "), Ok("ann@example.com".to_owned()));
        assert!(parse_email("ann@localhost").is_ok());
        for text in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@b@c",
            "ann@example..com",
            "a b@example.com",
            "ann@example.com\n.x",
        ] {
            assert!(parse_email(text).is_err(), "{text:?}");
        }
        assert!(parse_email(&format!("{}@example.com", "a".repeat(250))).is_err());
    }

    #[test]
    fn a_name_is_trimmed_and_bounded() {
        assert_eq!(parse_name(" Acme "), Ok("Acme".to_owned()));
        for text in ["", "  ", "a\u{7}b", &"ä".repeat(101)] {
            assert!(parse_name(text).is_err(), "{text:?}");
        }
        assert!(parse_name(&"ä".repeat(100)).is_ok());
    }
}
