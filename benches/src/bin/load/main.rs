//! `bench-load`: repeats one request and checks every answer. One thread. Either a closed loop over a number of
//! connections (`repeat`) or streams held open (`hold`); see `--help`. Loopback only.

mod answer;
mod exchange;
mod hold;
mod options;
mod repeat;
mod tally;

use std::rc::Rc;

use clap::Parser;

use crate::options::Options;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let holds = options.hold;
    let plan = Rc::new(options.plan()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asking = tokio::task::LocalSet::new();
    asking.block_on(&runtime, async move {
        if holds {
            hold::hold(plan).await
        } else {
            println!("{}", repeat::repeat(plan).await);
            Ok(())
        }
    })
}
