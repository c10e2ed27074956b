//! `/fallbacks`: which model stands behind which, the editor of one model's lists, and the proof that they work.

pub mod change;
pub(crate) mod desk;
pub(crate) mod draft;
pub(crate) mod history;
pub mod list;
pub(crate) mod outlook;
pub mod read;
pub mod revert;
pub mod trial;
pub(crate) mod words;
