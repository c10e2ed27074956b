//! Opens streams and holds them open, to measure their memory.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::exchange::Connection;
use crate::options::Plan;

/// The number of streams that are opened at the same time.
const OPENING: usize = 64;
/// All streams must be open within this time; the others are reported as missing.
const PATIENCE: Duration = Duration::from_secs(60);

enum Event {
    Opened,
    Ended(String),
}

/// Opens one stream per connection, prints `{"open", "lost"}`, holds them until stdin closes, and prints how many
/// ended meanwhile. A stream counts as open once its first byte has arrived.
pub(crate) async fn hold(plan: Rc<Plan>) -> anyhow::Result<()> {
    let gate = Arc::new(Semaphore::new(OPENING));
    let (sender, mut events) = mpsc::unbounded_channel();
    for _ in 0..plan.connections {
        tokio::task::spawn_local(hold_one(Rc::clone(&plan), Arc::clone(&gate), sender.clone()));
    }
    let (mut open, mut lost) = (0, 0);
    // A timeout leaves the counts as they are, which shows the missing streams.
    let _ = tokio::time::timeout(PATIENCE, count(&mut events, plan.connections, &mut open, &mut lost)).await;
    println!("{}", json!({"open": open, "lost": lost}));
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    let mut ended = 0;
    while let Ok(event) = events.try_recv() {
        ended += usize::from(matches!(event, Event::Ended(_)));
    }
    println!("{}", json!({"ended": ended}));
    Ok(())
}

async fn count(events: &mut UnboundedReceiver<Event>, all: usize, open: &mut usize, lost: &mut usize) {
    while *open + *lost < all {
        match events.recv().await {
            Some(Event::Opened) => *open += 1,
            Some(Event::Ended(why)) => {
                if *lost == 0 {
                    eprintln!("a stream ended: {why}");
                }
                *lost += 1;
            }
            None => return,
        }
    }
}

async fn hold_one(plan: Rc<Plan>, gate: Arc<Semaphore>, events: UnboundedSender<Event>) {
    let permit: RefCell<Option<OwnedSemaphorePermit>> = RefCell::new(gate.acquire_owned().await.ok());
    let opened = || {
        permit.take();
        // The receiver outlives every stream, so the send cannot fail.
        let _ = events.send(Event::Opened);
    };
    let why = match Connection::open(plan.address).await {
        Ok(mut connection) => match connection.exchange(&plan.request, opened).await {
            Ok(answer) => format!("status {}", answer.status),
            Err(why) => why,
        },
        Err(why) => why,
    };
    let _ = events.send(Event::Ended(why));
}
