//! Diagrams, laid out on the server: a chain, a chart over time, the timing of a request.

pub mod chain_diagram;
pub mod chart;
pub mod timing_bar;
