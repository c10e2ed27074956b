//! `failsoft simulate`: a provider of models that fail on purpose.

use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};

use anyhow::Context as _;

use super::command::block_on;
use super::output::announce;
use crate::simulate::{self, MODELS, Settings};

/// Runs an OpenAI-compatible provider of simulated models, for testing a fallback policy.
///
/// It needs no key, stores nothing and makes no calls. The name of a model decides how it answers or fails.
#[derive(Debug, clap::Args)]
#[command(after_help = table())]
pub(super) struct Arguments {
    /// The address to listen on; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let wanted = arguments.listen;
    let listener = TcpListener::bind(wanted)
        .with_context(|| format!("cannot listen on {wanted}; choose another address with --listen"))?;
    let address = listener.local_addr()?;
    block_on(async move {
        let server = simulate::start(listener, Settings { handle_signals: true, ..Settings::default() })?;
        announce(&format!("Simulated models answer at http://{address}/v1"));
        Ok(server.await?)
    })
}

/// The names of the models, for the end of the help.
fn table() -> String {
    let width = MODELS.iter().map(|model| model.name.len()).max().unwrap_or_default();
    let mut text = "Models (the prefix sim/ is optional):\n".to_owned();
    for model in MODELS {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {:width$}  {}", model.name, model.what);
    }
    text.push_str(
        "\nA name whose model answers may end in -chunks-N (that many words) and -gap-Nms (a pause before each):\n\
         steady-chunks-100-gap-20ms.",
    );
    text
}
