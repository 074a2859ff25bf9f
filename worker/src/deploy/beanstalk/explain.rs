//! What AWS refuses, in a sentence that says what to do, with AWS's own words beside it.

use slipway_pipelines::wire::Evidence;

use super::ask::Refusal;

/// Why it is not deployed.
#[derive(Debug)]
pub(super) struct Failure {
    /// One sentence, without its full stop.
    pub(super) reason: String,
    /// Verbatim.
    pub(super) evidence: Vec<Evidence>,
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self { reason, evidence: Vec::new() }
    }
}

impl From<&str> for Failure {
    fn from(reason: &str) -> Self {
        Self::from(reason.to_owned())
    }
}

impl Failure {
    /// With what AWS said.
    pub(super) fn seen(reason: impl Into<String>, action: &str, refusal: &Refusal) -> Self {
        let code =
            if refusal.code.is_empty() { String::new() } else { format!("{}: ", refusal.code) };
        let text = format!("{code}{}", refusal.message);
        let evidence = vec![Evidence { source: format!("AWS on {action}"), text }];
        Self { reason: reason.into(), evidence }
    }
}

/// The sentence for a refusal of `action` (as IAM writes it) on `subject`.
pub(super) fn explain(action: &str, subject: &str, refusal: &Refusal) -> Failure {
    Failure::seen(sentence(action, subject, refusal), action, refusal)
}

fn sentence(action: &str, subject: &str, refusal: &Refusal) -> String {
    keys(refusal)
        .or_else(|| permission(action, subject, refusal))
        .or_else(|| place(subject, refusal))
        .or_else(|| limits(refusal))
        .or_else(|| weather(action, refusal))
        .unwrap_or_else(|| format!("AWS refused {action} on {subject}: {}", said(refusal)))
}

fn said(refusal: &Refusal) -> &str {
    refusal.message.trim().trim_end_matches('.')
}

/// Who we are.
fn keys(refusal: &Refusal) -> Option<String> {
    let sentence =
        if refusal.is(&["InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClient"]) {
            "AWS does not know this access key id: check access_key_id, and that the key is active"
        } else if refusal.is(&["SignatureDoesNotMatch", "IncompleteSignature"]) {
            "the secret access key does not belong to this access key id: check secret_access_key"
        } else if refusal.is(&["ExpiredToken", "TokenRefreshRequired"]) {
            "the session token has expired: give the step fresh keys"
        } else if refusal.is(&["InvalidToken"]) {
            "AWS does not accept the session token: give the three values that belong together"
        } else if refusal.is(&["RequestTimeTooSkewed", "RequestExpired"]) {
            "this worker's clock is too far from AWS's: set it right"
        } else if refusal.is(&["OptInRequired", "SubscriptionRequired", "NotSignedUp"]) {
            "this AWS account is not signed up for the service: open its console once"
        } else {
            return None;
        };
    Some(sentence.to_owned())
}

/// What we may.
fn permission(action: &str, subject: &str, refusal: &Refusal) -> Option<String> {
    let codes =
        ["AccessDenied", "InsufficientPrivileges", "UnauthorizedOperation", "NotAuthorized"];
    let denied = refusal.is(&codes)
        || (refusal.status == 403 && refusal.code.len() < 4)
        || refusal.is(&["Forbidden"]);
    denied.then(|| {
        format!("these keys may not do {action} on {subject}: allow it in the policy of their user")
    })
}

/// Where things are.
fn place(subject: &str, refusal: &Refusal) -> Option<String> {
    let codes =
        ["PermanentRedirect", "AuthorizationHeaderMalformed", "S3LocationNotInServiceRegion"];
    // A HEAD has no words: where S3 names the region, that is what is wrong.
    let elsewhere = refusal.status == 400 && refusal.region.is_some();
    if refusal.is(&codes) || refusal.status == 301 || elsewhere {
        let region = refusal.region.as_deref();
        let there = region.map(|region| format!(": it is in {region}")).unwrap_or_default();
        return Some(format!(
            "{subject} is in another region{there}; Elastic Beanstalk takes a bundle only from \
             its own region, so name another bucket or set `region`"
        ));
    }
    refusal.is(&["NoSuchBucket"]).then(|| format!("there is no {subject}"))
}

/// What an account is allowed.
fn limits(refusal: &Refusal) -> Option<String> {
    let sentence = if refusal.is(&["TooManyApplicationVersions"]) {
        "the account has as many application versions as it may have: delete old ones, or set a \
         lifecycle policy on the application"
    } else if refusal.is(&["TooManyBuckets"]) {
        "the account has as many buckets as it may have: name one that is there"
    } else if refusal.is(&["EntityTooLarge"]) {
        "S3 does not take a bundle this large"
    } else {
        return None;
    };
    Some(sentence.to_owned())
}

/// What may be better later.
fn weather(action: &str, refusal: &Refusal) -> Option<String> {
    use super::ask::Passing;
    Some(match refusal.passing? {
        Passing::Throttled => format!(
            "AWS would not take {action} because this account asks too often: deploy again later"
        ),
        Passing::Unknown if refusal.status == 0 => {
            format!(
                "AWS can not be reached for {action}: check the region and this worker's network"
            )
        }
        Passing::Unknown => format!("AWS failed at {action} by itself: deploy again later"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::ask::Passing;
    use super::*;

    #[test]
    fn each_refusal_gets_a_sentence_that_says_what_to_do_and_keeps_the_words_of_aws() {
        let cases = [
            ("InvalidClientTokenId", 403, None, "check access_key_id"),
            ("SignatureDoesNotMatch", 403, None, "check secret_access_key"),
            ("ExpiredToken", 403, None, "fresh keys"),
            ("AccessDenied", 403, None, "may not do a:B on bucket \"b\""),
            ("InsufficientPrivilegesException", 403, None, "may not do a:B"),
            ("", 403, None, "may not do a:B"),
            ("", 301, None, "is in another region"),
            ("TooManyApplicationVersionsException", 400, None, "delete old ones"),
            ("Throttling", 400, Some(Passing::Throttled), "asks too often"),
            ("InternalFailure", 500, Some(Passing::Unknown), "by itself"),
            ("", 0, Some(Passing::Unknown), "can not be reached"),
            ("Strange", 400, None, "AWS refused a:B on bucket \"b\": its own words"),
        ];
        for (code, status, passing, expected) in cases {
            let message = "its own words.".to_owned();
            let refusal = Refusal { code: code.to_owned(), status, message, region: None, passing };
            let failure = explain("a:B", "bucket \"b\"", &refusal);
            assert!(failure.reason.contains(expected), "{code} became {}", failure.reason);
            assert!(failure.evidence[0].text.ends_with("its own words."), "{code}");
        }
    }
}
