//! What a file means once every other spelling is gone.

mod keys;
mod properties;
mod shapes;
mod table;
mod tell;
mod told;
mod values;
mod variables;
