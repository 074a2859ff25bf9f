//! The language of `.ci.yml`: text to typed file, with every problem found at once.

mod diagnostic;

pub use diagnostic::{Diagnostic, Severity, Span};
