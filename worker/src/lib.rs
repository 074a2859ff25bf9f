//! The worker acts: the only room that knows the container engine and the deploy targets. It
//! never sees Postgres, nor a secret of a job that it is not running.
//!
//! Nothing is built here yet; README's "What is there" says so to everybody. Its messages are in
//! `slipway_pipelines::wire`.
//!
//! The files and folders beside this one are drafts: no module line takes them in, so they are
//! neither compiled nor tested. A folder comes in with its module line once it builds, or goes.
