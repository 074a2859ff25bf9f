//! Building images and deploying them, on the real engine and against a real registry.

mod bench;
mod container;
mod findings;
mod images;
mod kubernetes_api;
mod lost;
mod registry;
mod registry_server;
mod tree;
