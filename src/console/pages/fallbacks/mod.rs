//! `/fallbacks`: the fallback lists of all models, the editor of one model's lists, one list for many models, and the
//! try-out.

pub mod change;
pub(crate) mod draft;
pub(crate) mod editor_page;
pub(crate) mod history;
pub(crate) mod labels;
pub mod list;
pub mod many;
pub(crate) mod preview;
pub mod read;
pub mod revert;
pub mod try_out;
