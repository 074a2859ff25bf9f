//! Deploys to Kubernetes, on the real cluster that `SLIPWAY_TEST_KUBECONFIG` names.

mod apply_bench;
mod apply_migrations;
mod apply_refusals;
mod apply_returns;
mod apply_stories;
mod explain_faults;
mod explain_nodes;
mod explain_thirty;
mod follow_bench;
mod follow_kinds;
mod follow_verdicts;
