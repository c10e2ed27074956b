//! The command line of the load generator, and the request that it repeats.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Parser;

use crate::answer::Expected;

/// Repeats one chat request through kept-alive connections and checks every answer. Prints one JSON object.
#[derive(Parser)]
pub(crate) struct Options {
    /// The URL: `http://127.0.0.1:PORT/PATH`.
    url: String,
    /// The file with the body of the request.
    #[arg(long)]
    body: PathBuf,
    /// A header line, `name: value`. May be repeated.
    #[arg(long = "header")]
    headers: Vec<String>,
    /// The number of connections.
    #[arg(long, default_value_t = 1)]
    pub(crate) connections: usize,
    /// How long to measure, in seconds.
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// How long to send requests before measuring, in seconds.
    #[arg(long, default_value_t = 0.0)]
    warm_up: f64,
    /// Spread the first requests over this many seconds.
    #[arg(long, default_value_t = 0.0)]
    stagger: f64,
    /// The right answer: `whole`, or `stream:N` for a stream of N chunks.
    #[arg(long, default_value = "whole")]
    answer: String,
    /// Text that the answer must contain in addition. May be repeated.
    #[arg(long = "contains")]
    contains: Vec<String>,
    /// Open one stream per connection, print how many are open, and hold them until stdin closes.
    #[arg(long)]
    pub(crate) hold: bool,
}

/// What the connections do, derived from the options.
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) request: Vec<u8>,
    pub(crate) expected: Expected,
    pub(crate) connections: usize,
    pub(crate) measured: Duration,
    pub(crate) warm_up: Duration,
    pub(crate) stagger: Duration,
}

impl Options {
    /// Reads the body and builds the request.
    ///
    /// # Errors
    /// If the URL is not a loopback URL of the expected form, or the body cannot be read.
    pub(crate) fn plan(self) -> anyhow::Result<Plan> {
        let rest = self.url.strip_prefix("http://").context("the URL must start with http://")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address: SocketAddr = host.parse().context("the URL must name IP:PORT")?;
        ensure!(address.ip().is_loopback(), "load goes to loopback addresses only");
        let body =
            std::fs::read(&self.body).with_context(|| format!("cannot read {}", self.body.display()))?;
        let headers: String = self.headers.iter().map(|line| format!("{line}\r\n")).collect();
        let length = body.len();
        let head = format!(
            "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n{headers}\
             content-length: {length}\r\n\r\n"
        );
        Ok(Plan {
            address,
            request: [head.into_bytes(), body].concat(),
            expected: Expected::described(&self.answer, self.contains)?,
            connections: self.connections,
            measured: Duration::from_secs_f64(self.seconds),
            warm_up: Duration::from_secs_f64(self.warm_up),
            stagger: Duration::from_secs_f64(self.stagger),
        })
    }
}
