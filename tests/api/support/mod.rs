//! Shared test support.

pub(crate) mod app;
pub(crate) mod browser;
pub(crate) mod database;
pub(crate) mod fake_provider;
pub(crate) mod forms;
pub(crate) mod management;
mod members;
pub(crate) mod name_server;
pub(crate) mod process;
mod prompts;
pub(crate) mod raw_client;
pub(crate) mod resolver;

/// Turns each `async fn name(app: App) { .. }` into two tests, one per database.
macro_rules! on_both_databases {
    ($($(#[$attribute:meta])* async fn $name:ident($app:ident: App) $body:block)+) => {
        $(
            $(#[$attribute])*
            mod $name {
                use super::*;

                async fn run(kind: $crate::support::database::Kind) {
                    let $app = $crate::support::app::App::start(kind).await;
                    $body
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    run($crate::support::database::Kind::Sqlite).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    run($crate::support::database::Kind::Postgres).await;
                }
            }
        )+
    };
}
pub(crate) use on_both_databases;
