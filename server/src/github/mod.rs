//! What the forge says: payloads to events. Pure.

pub mod events;
