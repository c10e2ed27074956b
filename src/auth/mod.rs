//! Who is asking, and what they may do. Imports `store`, `error`, `clock` and `config`.

pub mod api;
pub mod console;
