//! `/fallbacks`: which model stands behind which, the editor of one model's lists, and the proof that they work.

pub mod change;
pub(crate) mod draft;
pub(crate) mod editor_page;
pub(crate) mod history;
pub(crate) mod labels;
pub mod list;
pub(crate) mod preview;
pub mod read;
pub mod revert;
pub mod try_out;
