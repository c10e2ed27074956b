//! The console from outside, as a browser sees it: pages, forms, cookies.

mod enter;
mod errors;
mod forged;
mod throttle;
