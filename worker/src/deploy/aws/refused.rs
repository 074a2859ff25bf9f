//! What AWS refuses, in a sentence that says what to do, with AWS's own words beside it.

use slipway_pipelines::wire::FindingCode;

use super::ask::{Passing, Refusal};
use super::failure::Failure;

/// Why `action` (as IAM writes it) on `subject` was refused.
pub(in super::super) fn explain(action: &str, subject: &str, refusal: &Refusal) -> Failure {
    let failure = keys(refusal)
        .or_else(|| permission(action, subject, refusal))
        .or_else(|| place(subject, refusal))
        .or_else(|| limits(refusal))
        .or_else(|| weather(action, refusal))
        .unwrap_or_else(|| {
            Failure::from(format!("AWS refused {action} on {subject}: {}", said(refusal)))
        });
    failure.seen(action, refusal)
}

/// AWS's words without their full stop.
pub(in super::super) fn said(refusal: &Refusal) -> &str {
    refusal.message.trim().trim_end_matches('.')
}

/// Who we are.
fn keys(refusal: &Refusal) -> Option<Failure> {
    let refused = |what: &str, next: &str| {
        Some(
            Failure::new(FindingCode::CredentialsRefused, what).about("the keys of AWS").next(next),
        )
    };
    if refusal.is(&["InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClient"]) {
        let next = "check access_key_id, and that the key is active";
        refused("AWS does not know this access key id", next)
    } else if refusal.is(&["SignatureDoesNotMatch", "IncompleteSignature"]) {
        let what = "the secret access key does not belong to this access key id";
        refused(what, "check secret_access_key")
    } else if refusal.is(&["ExpiredToken", "TokenRefreshRequired"]) {
        let expired =
            Failure::new(FindingCode::CredentialsExpired, "the session token has expired");
        Some(expired.about("the keys of AWS").next("give the step fresh keys"))
    } else if refusal.is(&["InvalidToken"]) {
        let what = "AWS does not accept the session token";
        refused(what, "give the three values that belong together")
    } else if refusal.is(&["RequestTimeTooSkewed", "RequestExpired"]) {
        refused("this worker's clock is too far from AWS's", "set it right")
    } else if refusal.is(&["OptInRequired", "SubscriptionRequired", "NotSignedUp"]) {
        let what = "this AWS account is not signed up for the service";
        refused(what, "open its console once")
    } else {
        None
    }
}

/// AWS says that a right is missing.
pub(in super::super) fn is_denied(refusal: &Refusal) -> bool {
    let codes = [
        "AccessDenied",
        "InsufficientPrivileges",
        "UnauthorizedOperation",
        "NotAuthorized",
        "Forbidden",
    ];
    // The answer to a HEAD has no words.
    refusal.is(&codes) || (refusal.status == 403 && refusal.code.len() < 4)
}

/// What we may.
fn permission(action: &str, subject: &str, refusal: &Refusal) -> Option<Failure> {
    is_denied(refusal).then(|| {
        let what = format!("these keys may not do {action} on {subject}");
        Failure::new(FindingCode::Forbidden, what)
            .about(format!("{action} on {subject}"))
            .next("allow it in the policy of their user")
    })
}

/// S3 says that a bucket has another region's address.
pub(in super::super) fn is_elsewhere(refusal: &Refusal) -> bool {
    let codes =
        ["PermanentRedirect", "AuthorizationHeaderMalformed", "S3LocationNotInServiceRegion"];
    // A HEAD has no words: where S3 names the region, that is what is wrong.
    refusal.is(&codes)
        || refusal.status == 301
        || (refusal.status == 400 && refusal.region.is_some())
}

/// Where things are.
fn place(subject: &str, refusal: &Refusal) -> Option<Failure> {
    if is_elsewhere(refusal) {
        let region = refusal.region.as_deref();
        let there = region.map(|region| format!(": it is in {region}")).unwrap_or_default();
        let what = format!(
            "{subject} is in another region{there}; Elastic Beanstalk takes a bundle only from \
             its own region"
        );
        let failure = Failure::new(FindingCode::BucketRefused, what).about(subject);
        return Some(failure.next("name another bucket or set `region`"));
    }
    refusal.is(&["NoSuchBucket"]).then(|| {
        let failure = Failure::new(FindingCode::BucketMissing, format!("there is no {subject}"));
        failure.about(subject).next("create it first, or name another bucket")
    })
}

/// What an account is allowed.
fn limits(refusal: &Refusal) -> Option<Failure> {
    let (code, what, next) = if refusal.is(&["TooManyApplicationVersions"]) {
        (
            FindingCode::VersionQuota,
            "the account has as many application versions as it may have",
            "delete old ones, or set a lifecycle policy on the application",
        )
    } else if refusal.is(&["TooManyBuckets"]) {
        (
            FindingCode::BucketRefused,
            "the account has as many buckets as it may have",
            "name one that is there",
        )
    } else if refusal.is(&["EntityTooLarge"]) {
        (
            FindingCode::BundleTooLarge,
            "S3 does not take an object this large",
            "keep files out of it",
        )
    } else {
        return None;
    };
    Some(Failure::new(code, what).next(next))
}

/// What may be better later.
fn weather(action: &str, refusal: &Refusal) -> Option<Failure> {
    let (code, what, next) = match refusal.passing? {
        Passing::Throttled => (
            FindingCode::Throttled,
            format!("AWS would not take {action} because this account asks too often"),
            "deploy again later",
        ),
        Passing::Unknown if refusal.status == 0 => (
            FindingCode::ApiUnreachable,
            format!("AWS can not be reached for {action}"),
            "check the region and this worker's network",
        ),
        Passing::Unknown => (
            FindingCode::ApiUnreachable,
            format!("AWS failed at {action} by itself"),
            "deploy again later",
        ),
    };
    Some(Failure::new(code, what).about(action).next(next).passing())
}

#[cfg(test)]
mod tests {
    use super::super::ask::Passing;
    use super::*;

    #[test]
    fn each_refusal_gets_a_sentence_that_says_what_to_do_and_keeps_the_words_of_aws() {
        use FindingCode::{
            ApiUnreachable, BucketRefused, CredentialsExpired, CredentialsRefused, Forbidden,
            Throttled, Unexplained, VersionQuota,
        };
        let cases = [
            ("InvalidClientTokenId", 403, None, CredentialsRefused, "check access_key_id"),
            ("SignatureDoesNotMatch", 403, None, CredentialsRefused, "check secret_access_key"),
            ("ExpiredToken", 403, None, CredentialsExpired, "fresh keys"),
            ("AccessDenied", 403, None, Forbidden, "may not do a:B on bucket \"b\""),
            ("InsufficientPrivilegesException", 403, None, Forbidden, "may not do a:B"),
            ("", 403, None, Forbidden, "may not do a:B"),
            ("", 301, None, BucketRefused, "is in another region"),
            ("TooManyApplicationVersionsException", 400, None, VersionQuota, "delete old ones"),
            ("Throttling", 400, Some(Passing::Throttled), Throttled, "asks too often"),
            ("InternalFailure", 500, Some(Passing::Unknown), ApiUnreachable, "by itself"),
            ("", 0, Some(Passing::Unknown), ApiUnreachable, "can not be reached"),
            ("Strange", 400, None, Unexplained, "AWS refused a:B on bucket \"b\": its own words"),
        ];
        for (code, status, passing, cause, expected) in cases {
            let message = "its own words.".to_owned();
            let refusal = Refusal { code: code.to_owned(), status, message, region: None, passing };
            let failure = explain("a:B", "bucket \"b\"", &refusal);
            assert!(failure.reason().contains(expected), "{code} became {}", failure.reason());
            assert_eq!(failure.code, cause, "{code}");
            assert!(failure.evidence[0].text.ends_with("its own words."), "{code}");
        }
    }
}
