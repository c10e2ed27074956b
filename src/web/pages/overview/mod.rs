//! Is it healthy now?

pub mod read;
