//! The closed loop: every connection sends its next request as soon as the last one is answered.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::exchange::{Answer, Connection};
use crate::options::Plan;
use crate::tally::Tally;

/// The timeout of an answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// The pause before a refused connection is retried.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);
/// How much of the first wrong answer is shown, in bytes.
const SHOWN: usize = 600;

/// Runs all connections for the planned time and reports the results.
pub(crate) async fn repeat(plan: Rc<Plan>) -> Value {
    let tally = Rc::new(RefCell::new(Tally::default()));
    let from = Instant::now() + plan.warm_up;
    let asking: Vec<_> = (0..plan.connections)
        .map(|number| {
            let asker = Asker { plan: Rc::clone(&plan), tally: Rc::clone(&tally), from, connection: None };
            tokio::task::spawn_local(asker.ask(number))
        })
        .collect();
    for task in asking {
        // Tasks are never aborted, and a panic aborts the whole program.
        let _ = task.await;
    }
    tally.take().report(plan.measured)
}

struct Asker {
    plan: Rc<Plan>,
    tally: Rc<RefCell<Tally>>,
    from: Instant,
    connection: Option<Connection>,
}

impl Asker {
    async fn ask(mut self, number: usize) {
        let share = number as f64 / self.plan.connections as f64;
        tokio::time::sleep(self.plan.stagger.mul_f64(share)).await;
        loop {
            let asked = Instant::now();
            if asked >= self.from + self.plan.measured {
                return;
            }
            match tokio::time::timeout(PATIENCE, self.exchange()).await {
                Ok(Ok(answer)) => self.note(asked, &answer),
                Ok(Err(why)) => self.give_up(why).await,
                Err(_) => self.give_up(format!("none within {} s", PATIENCE.as_secs())).await,
            }
        }
    }

    async fn exchange(&mut self) -> Result<Answer, String> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            None => self.connection.insert(Connection::open(self.plan.address).await?),
        };
        connection.exchange(&self.plan.request, || ()).await
    }

    fn note(&mut self, asked: Instant, answer: &Answer) {
        let done = Instant::now();
        let mut tally = self.tally.borrow_mut();
        let body = self.connection.as_ref().map_or(&b""[..], Connection::body);
        match self.plan.expected.check(answer.status, body) {
            Ok(events) => {
                tally.right(events);
                if asked >= self.from && done <= self.from + self.plan.measured {
                    tally.timed(asked, answer.first_byte, done);
                }
            }
            Err(why) => {
                if tally.is_flawless() {
                    let shown = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]);
                    eprintln!("the first wrong answer ({why}): {shown}");
                }
                tally.wrong(why);
            }
        }
        if !answer.keep_alive {
            tally.reconnected();
            self.connection = None;
        }
    }

    async fn give_up(&mut self, why: String) {
        self.connection = None;
        self.tally.borrow_mut().wrong(why);
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}
