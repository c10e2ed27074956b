//! `failsoft migrate`: brings the database's schema up to date.

use super::command::{block_on, settle};
use super::output::say;
use crate::config::Overrides;
use crate::store::database::schema;

/// Brings the database's schema up to date, and prints the changes.
///
/// `serve` does the same when it starts. Use this to change the schema earlier, or with a database user that has more
/// rights.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    overrides: Overrides,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings = settle(arguments.overrides)?;
    let made = block_on(async { Ok(schema::migrate(&settings.database).await?) })?;
    if made.is_empty() {
        return Ok(say("The schema is up to date; there was nothing to change.")?);
    }
    for change in &made {
        say(&format!("made {change}"))?;
    }
    Ok(say(&format!("The schema is up to date; changes made: {}.", made.len()))?)
}
