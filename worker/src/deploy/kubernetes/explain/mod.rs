//! Why a version is not live: what was seen in a cluster, and what follows from it. Pure: it asks
//! nobody and knows no clock, so that every cause can be told from recorded objects.
//!
//! The way down is the cluster's own: workload, replica set of our revision, pods, containers,
//! events, nodes. Texts of the cluster are matched by a part of them, for releases word them
//! differently.

mod cause;
mod claims;
mod containers;
mod controllers;
mod difference;
mod digest;
mod exits;
mod health;
mod images;
mod jobs;
mod judge;
mod mounts;
mod nodes;
mod pods;
mod probes;
mod quantity;
mod read;
mod refused;
mod revision;
mod rollout;
mod room;
mod schedule;
mod seen;
mod traffic;

#[cfg(test)]
mod tests;

pub(super) use judge::{Judged, WATCHED, judge, timed_out, watch_lost};
pub(super) use read::text;
pub(super) use seen::{LogKey, Seen, Wanted};
