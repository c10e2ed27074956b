//! The console as a browser sees it: pages, forms, cookies.

mod account;
mod conflicts;
mod csrf;
mod errors;
mod events;
mod expiry;
mod fallbacks;
mod find;
mod first_steps;
mod invitation;
mod keys;
mod live_events;
mod login_links;
mod login_throttle;
mod mangled_forms;
mod markup;
mod members;
mod models;
mod overview;
mod playground;
mod providers;
mod query_budget;
mod requests;
mod settings_and_audit;
mod sign_in;
mod usage;
