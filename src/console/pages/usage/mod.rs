//! `/usage`: requests, tokens and money, by day, model or key; and the same as a file.

pub mod list;
