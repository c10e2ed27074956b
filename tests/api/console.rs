//! The console from outside, as a browser sees it: pages, forms, cookies.

mod account;
mod enter;
mod errors;
mod forged;
mod invite;
mod markup;
mod members;
mod reset;
mod throttle;
