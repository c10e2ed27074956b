//! Components that pages share: layout, charts, badges, formats.

pub mod answer_panel;
pub mod attempt_summary;
pub mod budget_summary;
pub mod confirmation;
pub mod diagrams;
pub mod edit_conflict;
pub mod format;
pub mod layout;
pub mod navigation;
pub mod number_input;
pub mod pagination;
pub mod snippets;
pub mod status_badge;
pub mod time_range;
pub mod timestamp;
