//! Reading requests, below the dialects and the pages.

pub mod body_reader;
