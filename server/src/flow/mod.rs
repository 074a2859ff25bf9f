//! The product, a file a stage. Rows are the only hand-over: any stage can stop, restart, or run
//! twice.

pub mod attempts;
pub mod cancel;
pub(crate) mod clear_caches;
pub mod deploys;
pub mod dispatch;
pub mod enlist;
pub mod environments;
pub mod expire;
pub(crate) mod fetch;
pub mod heads;
pub mod identity;
pub mod imports;
pub mod intake;
pub mod keep;
pub(crate) mod people;
pub(crate) mod planning;
pub(crate) mod reap;
pub(crate) mod reconcile;
pub(crate) mod report;
pub(crate) mod report_github;
pub(crate) mod report_github_deployments;
pub mod restart;
pub(crate) mod retry;
pub(crate) mod room;
pub(crate) mod schedule;
pub(crate) mod scopes;
pub(crate) mod shells;
pub mod trigger;

pub use crate::error::FlowError;
