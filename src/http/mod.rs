//! What the dialects of the API and the pages of the console share: the reader of bodies, and lists.

pub mod body_reader;
pub mod listings;
