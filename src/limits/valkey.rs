//! The connection to a Valkey or a Redis, which what processes share goes through.
//!
//! There is one connection, on which commands are sent without waiting for the answers of others. It is opened when it is
//! first needed, and again after an error.

use std::fmt::{self, Debug, Formatter};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, RedisError};
use tokio::sync::Mutex;

use crate::config::valkey::ValkeyUrl;

/// How long a connection may take to open, and a command to be answered.
const PATIENCE: Duration = Duration::from_millis(400);

/// Why Valkey did not answer, without any secret.
#[derive(Debug, thiserror::Error)]
#[error("Valkey did not answer: {0}")]
pub struct ValkeyError(String);

/// A client of one Valkey.
pub struct ValkeyClient {
    client: Client,
    url: ValkeyUrl,
    connection: Mutex<Option<MultiplexedConnection>>,
}

impl Debug for ValkeyClient {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ValkeyClient").field(&self.url).finish()
    }
}

impl ValkeyClient {
    /// Creates a client. It opens no connection.
    ///
    /// # Errors
    /// The address cannot be read.
    pub fn new(url: &ValkeyUrl) -> Result<Self, ValkeyError> {
        let failed = |error: RedisError| ValkeyError(url.hide_in(&error.to_string()));
        let client = Client::open(url.expose()).map_err(failed)?;
        Ok(Self { client, url: url.clone(), connection: Mutex::default() })
    }

    /// Sends commands together and reads all of their answers.
    ///
    /// # Errors
    /// Valkey cannot be reached, refuses a command, or answers something else.
    pub async fn send<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, ValkeyError> {
        let sent = async {
            let mut connection = self.connected().await?;
            commands.query_async(&mut connection).await
        };
        let answered: Result<T, RedisError> = sent.await;
        match answered {
            Ok(answer) => Ok(answer),
            Err(error) => {
                *self.connection.lock().await = None;
                Err(ValkeyError(self.url.hide_in(&error.to_string())))
            }
        }
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// Valkey cannot be reached, or refuses the credential.
    pub async fn ping(&self) -> Result<(), ValkeyError> {
        let mut commands = redis::pipe();
        commands.cmd("PING");
        let answers: Vec<String> = self.send(&commands).await?;
        answers.first().map(|_| ()).ok_or_else(|| ValkeyError("an empty answer".to_owned()))
    }

    async fn connected(&self) -> Result<MultiplexedConnection, RedisError> {
        let mut kept = self.connection.lock().await;
        if let Some(open) = &*kept {
            return Ok(open.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let open = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        *kept = Some(open.clone());
        Ok(open)
    }
}
