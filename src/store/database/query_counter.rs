//! How many queries a piece of work makes: for pages, which have a budget of them.
//!
//! The connections for reading call back after each statement; what is not counted pays one look at a variable of its
//! task.

use std::cell::Cell;

use sea_orm::DatabaseConnection;

tokio::task_local! {
    static COUNT: Cell<u32>;
}

/// Runs some work, and tells how many queries it made on the connections for reading.
pub async fn counted<T>(work: impl Future<Output = T>) -> (T, u32) {
    COUNT
        .scope(Cell::new(0), async {
            let done = work.await;
            (done, COUNT.with(Cell::get))
        })
        .await
}

/// Has a connection count.
pub(in crate::store) fn watch(mut connection: DatabaseConnection) -> DatabaseConnection {
    connection.set_metric_callback(|_| {
        // Nobody counts: it is no page.
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
    });
    connection
}
