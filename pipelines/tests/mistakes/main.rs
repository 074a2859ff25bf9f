//! Mistakes as people make them, and what they are told: read each as the one who made it.

mod deploys;
mod images;
mod jobs;
mod keys;
mod kubernetes;
mod own;
mod services;
mod tell;
