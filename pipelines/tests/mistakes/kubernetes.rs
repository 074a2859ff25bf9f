//! Deploys to Kubernetes, written wrong.

use crate::tell::told;

fn deploy(options: &str) -> String {
    told(
        ".ci.yml",
        &format!("secrets: []\nscript: make\ndeploy:\n  provider: kubernetes\n{options}"),
    )
}

#[test]
fn each_mistake_is_told_at_its_place_with_what_to_write() {
    for (options, expected) in [
        ("  namespace: shop\n", "write the manifests' files or folders: `k8s/`"),
        ("  manifests: ../k8s\n", "does not stay inside the work tree"),
        ("  manifests: /etc/k8s\n", "write paths from the repo's root"),
        ("  manifests: k8s\n  vars: [HOST-NAME]\n", "can not be the name of a variable"),
        ("  manifests: k8s\n  images: [web]\n", "takes a map; this is a list"),
        (
            "  manifests: k8s\n  images: {\"web@sha256:00\": web}\n",
            "write the name without tag and digest",
        ),
        ("  manifests: k8s\n  migrate: {image: web}\n", "write the manifest of the Job"),
        ("  manifests: k8s\n  prune: sometimes\n", "prune"),
        ("  manifests: k8s\n  manifest: x\n", "its keys are `manifests`, `namespace`"),
    ] {
        let told = deploy(options);
        assert!(told.contains(expected), "{options}\n{told}");
    }
}
