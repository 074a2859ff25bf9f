//! `slipway run`: the jobs of a file without a server.

mod alone;
mod both_ways;
mod carries;
mod folder;
