//! Deploys to Kubernetes, on the real cluster that `SLIPWAY_TEST_KUBECONFIG` names.
