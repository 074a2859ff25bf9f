//! Why a node does not get an image, from the words of its container runtime.

use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;

/// The cause behind what a runtime said about pulling `image`.
pub(super) fn cause(image: &str, said: &str) -> Cause {
    use FindingCode as Code;
    let lower = said.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    let registry = registry(image);
    if has(&["toomanyrequests", "429", "rate limit", "pull limit", "too many requests"]) {
        let sentence = format!("{registry} lets this node pull no more images for a while");
        return Cause::transient(Code::RegistryRateLimited, sentence, RATE);
    }
    if has(&["no match for platform", "no matching manifest", "no image found in manifest list"]) {
        let sentence = format!("{image} is not made for the node's platform");
        return Cause::fatal(Code::ImageWrongPlatform, sentence, PLATFORM);
    }
    // Docker Hub says "does not exist or may require authorization" of both: it does not tell.
    if has(&["unauthorized", "authentication required", "no basic auth", "403", "401"])
        || has(&["denied", "insufficient_scope", "authorization failed", "forbidden"])
    {
        let sentence = format!("{registry} does not give {image} to the node");
        return Cause::fatal(Code::ImageUnauthorized, sentence, ACCESS);
    }
    if has(&["not found", "manifest unknown", "name unknown", "404", "does not exist"])
        && !has(&["no such host"])
    {
        let sentence = format!("{image} is not in the registry");
        return Cause::fatal(Code::ImageNotFound, sentence, TAG);
    }
    if has(&["no such host", "dial tcp", "timeout", "refused", "x509", "tls", "unreachable", "eof"])
        || has(&["server misbehaving", "http response to https", "500 ", "502", "503"])
    {
        let sentence = format!("the node does not reach {registry}");
        return Cause::transient(Code::RegistryUnreachable, sentence, REACH);
    }
    if has(&["invalidimagename", "invalid reference format", "couldn't parse image"]) {
        let sentence = format!("{image:?} is no name of an image");
        return Cause::fatal(Code::ImageNotFound, sentence, "Correct the image's name.");
    }
    let sentence = format!("the node can not pull {image}");
    Cause::transient(Code::Unexplained, sentence, "Read what the node says in the evidence.")
}

/// What an image that may not be pulled means.
pub(super) fn never(image: &str) -> Cause {
    Cause::fatal(
        FindingCode::ImageNeverPulled,
        format!("{image} is not on the node, and imagePullPolicy is Never"),
        "Use imagePullPolicy IfNotPresent, or load the image onto the nodes.",
    )
}

const RATE: &str = "Give the pods a pull secret with a paid login, or mirror the image.";
const PLATFORM: &str = "Build the image for the platform of the nodes.";
const ACCESS: &str = "Give the pods a pull secret that may read the repository (imagePullSecrets).";
const TAG: &str = "Push the image, or correct its name, tag or digest.";
const REACH: &str = "Check the node's DNS, network and trust in the registry's certificate.";

fn registry(image: &str) -> &str {
    let first = image.split('/').next().unwrap_or_default();
    let is_host = image.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    if is_host { first } else { "docker.io" }
}
