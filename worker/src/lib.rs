//! The worker acts: the only room that knows the container engine and the deploy targets. It
//! never sees Postgres, nor a secret of a job that it is not running.
//!
//! Nothing is built here yet; README's "What is there" says so to everybody. Its messages are in
//! `slipway_pipelines::wire`.
