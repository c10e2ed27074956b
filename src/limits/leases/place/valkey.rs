//! Counters in Valkey: a hash for each, and one script that computes it, with the time of the server.
//!
//! A key starts with its organization as the hash tag, and a call of the script names one key, so the keys may be spread
//! over a cluster. The script is sent with each batch, because a server that was restarted does not have it.

use std::sync::Arc;

use redis::{Pipeline, Script};

use super::PlaceError;
use crate::limits::leases::order::{Entry, Grant, Order};
use crate::limits::valkey::ValkeyClient;
pub use crate::limits::valkey::ValkeyError;

const TAKE: &str = include_str!("take.lua");

/// Counters in a Valkey, a hash for each.
#[derive(Debug, Clone)]
pub struct Valkey {
    client: Arc<ValkeyClient>,
    holder: String,
    hash: String,
}

impl Valkey {
    /// Counters in the Valkey of a client.
    #[must_use]
    pub fn new(client: Arc<ValkeyClient>, holder: &str) -> Self {
        Self { client, holder: holder.to_owned(), hash: Script::new(TAKE).get_hash().to_owned() }
    }

    pub(super) async fn take(&self, orders: &[Order]) -> Result<Vec<Grant>, PlaceError> {
        let mut commands = redis::pipe();
        commands.cmd("SCRIPT").arg("LOAD").arg(TAKE).ignore();
        for order in orders {
            self.add(&mut commands, order);
        }
        let answers: Vec<Vec<String>> = self.client.send(&commands).await?;
        if answers.len() != orders.len() {
            return Err(PlaceError::Garbage("another number of counters"));
        }
        answers.iter().map(|answer| grant(answer)).collect()
    }

    fn add(&self, commands: &mut Pipeline, order: &Order) {
        let timing = order.timing();
        let key = format!("failsoft:{{{}}}:{}", order.counter.organization, order.counter.name());
        commands.cmd("EVALSHA").arg(&self.hash).arg(1).arg(key).arg(&self.holder);
        for number in [order.most, order.keep, order.smallest, order.need, order.ahead] {
            commands.arg(number);
        }
        for number in [timing.span, timing.grid, timing.hold, timing.slack] {
            commands.arg(number);
        }
        commands.arg(order.now.map_or_else(String::new, |now| now.to_string()));
        for spend in &order.spends {
            commands.arg(spend.units).arg(spend.ago);
        }
    }
}

/// Reads the time, what is held, and the entries with their units.
fn grant(answer: &[String]) -> Result<Grant, PlaceError> {
    let number =
        |text: &str| text.parse::<i64>().map_err(|_| PlaceError::Garbage("entries that are no numbers"));
    let [now, held, entries @ ..] = answer else {
        return Err(PlaceError::Garbage("too few values"));
    };
    let entries = entries.chunks(2).map(|pair| {
        let [key, units] = pair else { return Err(PlaceError::Garbage("an entry without units")) };
        let ends = key.split('/').next().unwrap_or_default();
        Ok(Entry { ends: number(ends)?, units: number(units)? })
    });
    Ok(Grant { held: number(held)?, now: number(now)?, entries: entries.collect::<Result<_, _>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_makes_no_sense_is_refused() {
        let answer = |words: &[&str]| grant(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        let good = answer(&["7", "2", "9/0192", "3", "11", "-1"]).expect("a grant");
        let entries = [Entry { ends: 9, units: 3 }, Entry { ends: 11, units: -1 }];
        assert_eq!(good, Grant { held: 2, now: 7, entries: entries.to_vec() });
        for bad in
            [&[][..], &["7"], &["7", "x"], &["7", "2", "9"], &["7", "2", "x", "1"], &["7", "2", "9", "1.5"]]
        {
            assert!(answer(bad).is_err(), "{bad:?}");
        }
    }
}
