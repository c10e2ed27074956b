//! The console as a browser sees it: pages, forms, cookies.

mod account;
mod conflicts;
mod enter;
mod errors;
mod events;
mod fallbacks;
mod forged;
mod govern;
mod invite;
mod keys;
mod live;
mod markup;
mod members;
mod models;
mod overview;
mod playground;
mod providers;
mod queries;
mod requests;
mod reset;
mod start;
mod sweep;
mod throttle;
mod usage;
