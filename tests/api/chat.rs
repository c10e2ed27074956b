//! `POST /v1/chat/completions`.

mod bad_input;
mod failover;
mod stored;
mod stream;
