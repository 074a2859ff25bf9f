//! Stories on a real Kubernetes, which `make test-cluster` brings up.

mod testbed;
