//! The whole language in one place: every key with its other names, its shape, its meaning and
//! what is done with it. From it come the normaliser, the documentation, the JSON Schema and the
//! hints; adding a key is adding one entry. Keys are Travis' (<https://docs.travis-ci.com/>), but
//! for those marked as our own. Start at [`ROOT`].

mod addons;
mod env;
mod jobs;
mod key;
mod languages;
mod machine;
mod notifications;
mod own;
mod phases;
mod providers;
mod root;
mod shape;
mod versions;

pub use addons::ADDONS;
pub use key::{Key, Place, Status};
pub use languages::{LANGUAGES, Language};
pub use notifications::NOTIFICATIONS;
pub use providers::{Provider, providers};
pub use root::ROOT;
pub use shape::{Also, Map, Prefix, Shape, View, Word, Words};
