//! The server decides and remembers: the only room that knows Postgres and the forge. It never
//! runs a user's code, and never parses tenant text beyond webhook JSON and the typed plan.
//!
//! Nothing is built here yet; README's "What is there" says so to everybody. The schema it will
//! stand on is in `migrations/`, its messages in `slipway_pipelines::wire`.
//!
//! The files and folders beside this one are drafts: no module line takes them in, so they are
//! neither compiled nor tested. A folder comes in with its module line once it builds, or goes.
