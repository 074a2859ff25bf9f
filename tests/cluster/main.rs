//! Stories on a real Kubernetes, which `make test-cluster` brings up.

mod example;
mod examples;
mod sixteen;
mod testbed;
