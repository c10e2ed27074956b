//! Counts the queries of a page, so that tests can limit them.
//!
//! The reading connections call a callback after each statement. Without a counter it only checks a task-local variable.

use std::cell::Cell;

use super::connections::Connections;
use super::statements;

tokio::task_local! {
    static COUNT: Cell<u32>;
}

/// Runs `work` and returns its result and the number of queries on the reading connections.
pub async fn counted<T>(work: impl Future<Output = T>) -> (T, u32) {
    COUNT
        .scope(Cell::new(0), async {
            let done = work.await;
            (done, COUNT.with(Cell::get))
        })
        .await
}

/// Adds the counting callback to connections.
pub(in crate::store) fn watch(connections: Connections) -> Connections {
    connections.observed(|statement| {
        statements::check(statement);
        // Fails if the task has no counter.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
    })
}
