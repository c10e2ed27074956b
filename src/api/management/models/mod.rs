//! `/v1/model-router/models`: the catalogue, the names by which apps ask.

mod body;
pub mod change;
pub mod cooldown;
pub mod create;
pub mod delete;
pub mod list;
pub mod read;
mod response;

pub use body::{ModelChangeBody, NewModelBody};
pub use response::{Cooldown, ModelPrice, ModelResponse};

/// What a model is called in messages.
const WHAT: &str = "model";
