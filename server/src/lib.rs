//! The server decides and remembers: the only room that knows Postgres and the forge. It never
//! runs a user's code, and never parses tenant text beyond webhook JSON and the typed plan.
//!
//! Nothing is built here yet; README's "What is there" says so to everybody. The schema it will
//! stand on is in `migrations/`, its messages in `slipway_pipelines::wire`.
