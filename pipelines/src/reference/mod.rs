//! The language told: its documentation, and a JSON Schema for editors. Both come from the one
//! table of keys, [`crate::schema`], so that neither can say what the compiler does not do.

mod cells;
mod json_schema;
mod link;
mod markdown;

pub use json_schema::json_schema;
pub use link::doc_of;
pub use markdown::markdown;
