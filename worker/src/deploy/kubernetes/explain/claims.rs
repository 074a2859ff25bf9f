//! Claims of storage that have no volume.

use serde_json::Value;
use slipway_pipelines::wire::FindingCode;

use super::cause::Cause;
use super::read::{between, list, name, namespace, text, uid};
use super::seen::Seen;

const NEXT: &str = "Correct the claim's storage class, make a volume for it, or see its events.";

/// The cause where the scheduler waits for a claim.
pub(super) fn unscheduled(seen: &Seen, pod: &Value, reason: &str) -> Option<Cause> {
    let lower = reason.to_lowercase();
    let waits = lower.contains("persistentvolumeclaim") || lower.contains("persistent volumes");
    if !waits {
        return None;
    }
    if reason.contains("not found") {
        let claim = between(reason, "\"", "\"").unwrap_or_default();
        let sentence = format!("the claim {claim} that the pod names is not there");
        return Some(Cause::waiting(FindingCode::ClaimPending, sentence, "Apply the claim, too."));
    }
    let claims = list(pod, "/spec/volumes")
        .iter()
        .map(|volume| text(volume, "/persistentVolumeClaim/claimName"))
        .filter_map(|claim| seen.named("PersistentVolumeClaim", namespace(pod), claim));
    let pending = claims.filter_map(|claim| pending(seen, claim)).next();
    Some(pending.unwrap_or_else(|| {
        Cause::waiting(FindingCode::ClaimPending, "a claim of the pod has no volume yet", NEXT)
    }))
}

/// The cause where this claim is not bound; one that waits for its first pod has none.
pub(super) fn pending(seen: &Seen, claim: &Value) -> Option<Cause> {
    if text(claim, "/status/phase") == "Bound" {
        return None;
    }
    let class = text(claim, "/spec/storageClassName");
    let class = if class.is_empty() { "no storage class" } else { class };
    let sentence = format!("the claim {} ({class}) has no volume yet", name(claim));
    let mut cause = Cause::waiting(FindingCode::ClaimPending, sentence, NEXT);
    for event in seen.events(uid(claim)).into_iter().take(2) {
        cause = cause.event(event);
    }
    Some(cause)
}
