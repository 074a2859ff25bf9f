//! The causes that the explainer knows. A code is stable: pages, scripts and alerts name it.

use serde::{Deserialize, Serialize};

/// Declares the codes once: variant, word, area and meaning.
macro_rules! codes {
    ($($area:ident { $($code:ident $word:literal $meaning:literal,)* })*) => {
        /// Why a version is not live. The word is its stable name; its meaning, one clause.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum FindingCode {
            $($(
                #[doc = $meaning]
                #[serde(rename = $word)]
                $code,
            )*)*
        }

        impl FindingCode {
            /// Every code, in the order of the way of a deployment.
            pub const ALL: &'static [Self] = &[$($(Self::$code,)*)*];

            /// The stable name.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $($(Self::$code => $word,)*)* }
            }

            /// What it means, as a clause.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $($(Self::$code => $meaning,)*)* }
            }

            /// Where on the way of a deployment it stands.
            #[must_use]
            pub fn area(self) -> FindingArea {
                match self { $($(Self::$code)|* => FindingArea::$area,)* }
            }
        }

        /// A part of the way of a deployment.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FindingArea {
            $(#[doc = stringify!($area)] $area,)*
        }
    };
}

codes! {
    Before {
        ApiUnreachable "api-unreachable" "the target does not answer",
        TlsRefused "tls-refused" "the certificate of the target is not trusted",
        CredentialsRefused "credentials-refused" "the credentials are wrong",
        CredentialsExpired "credentials-expired" "the credentials have had their time",
        Forbidden "forbidden" "a right is missing: which verb on which resource",
        NamespaceMissing "namespace-missing" "the namespace is not there",
        NamespaceTerminating "namespace-terminating" "the namespace is being deleted",
        ManifestInvalid "manifest-invalid" "a manifest is not what the API takes",
        UnknownField "unknown-field" "a manifest has a field that the API does not know",
        ImmutableField "immutable-field" "a field was changed that can not be changed",
        KindUnknown "kind-unknown" "the API has no such kind",
        AdmissionDenied "admission-denied" "an admission webhook said no",
        AdmissionWebhookDown "admission-webhook-down" "an admission webhook does not answer",
        ApplyConflict "apply-conflict" "another manager holds a field",
        PodSecurity "pod-security" "the rules of pod security forbid it",
        Throttled "throttled" "the target asks to be asked less often",
    }
    Controller {
        GenerationBehind "generation-behind" "the controller has not seen the change yet",
        RolloutPaused "rollout-paused" "the rollout is paused",
        ProgressDeadlineExceeded "progress-deadline-exceeded" "the rollout did not get on within its deadline",
        QuotaExceeded "quota-exceeded" "a quota of the namespace is used up",
        LimitRangeViolated "limit-range-violated" "a limit range of the namespace forbids the pods",
        ServiceAccountMissing "service-account-missing" "the service account of the pods is not there",
        ReplicaFailure "replica-failure" "the controller can not make pods, for another reason",
        SelectorOverlap "selector-overlap" "two workloads select the same pods",
        RolloutSuperseded "rollout-superseded" "somebody else changed the workload meanwhile",
        RolloutCannotMove "rollout-cannot-move" "surge and unavailability leave the rollout no room",
        DisruptionBudgetBlocks "disruption-budget-blocks" "a disruption budget lets no pod go",
        AutoscalerActs "autoscaler-acts" "an autoscaler sets another number of pods",
        VolumeMultiAttach "volume-multi-attach" "a volume is attached to another node",
        StatefulSetStuck "stateful-set-stuck" "the pod before it does not become ready",
        DaemonSetOnDelete "daemon-set-on-delete" "pods are replaced only when somebody deletes them",
    }
    Scheduling {
        InsufficientCpu "insufficient-cpu" "no node has the cpu that a pod asks for",
        InsufficientMemory "insufficient-memory" "no node has the memory that a pod asks for",
        InsufficientResource "insufficient-resource" "no node has another resource that a pod asks for",
        TooManyPods "too-many-pods" "the nodes run as many pods as they may",
        PodAddressesExhausted "pod-addresses-exhausted" "there is no address left for a pod",
        TaintNotTolerated "taint-not-tolerated" "the nodes have taints that the pod does not tolerate",
        AffinityUnmatched "affinity-unmatched" "no node meets the rules of affinity or spreading",
        NodeSelectorUnmatched "node-selector-unmatched" "no node has the labels that are asked for",
        NodeUnsuitable "node-unsuitable" "the node that is named can not run it",
        HostPortTaken "host-port-taken" "the port of the host is in use",
        VolumeZoneConflict "volume-zone-conflict" "the volume is in another zone",
        SchedulingGated "scheduling-gated" "a gate holds the pod back",
        PreemptionPending "preemption-pending" "pods of less weight are being removed for it",
        ClaimPending "claim-pending" "the claim has no volume yet",
        NodeNotReady "node-not-ready" "a node does not answer",
        NodeCordoned "node-cordoned" "a node takes no pods",
        NodePressure "node-pressure" "a node is short of memory, disk or processes",
    }
    Start {
        ImageNotFound "image-not-found" "the image or its tag is not in the registry",
        ImageUnauthorized "image-unauthorized" "the registry does not give the image to the node",
        RegistryRateLimited "registry-rate-limited" "the registry asks to pull less often",
        RegistryUnreachable "registry-unreachable" "the node does not reach the registry",
        ImageWrongPlatform "image-wrong-platform" "the image is made for another kind of machine",
        ImageNeverPulled "image-never-pulled" "the image is not on the node and may not be pulled",
        ImagePullSlow "image-pull-slow" "the image is being pulled for long",
        DigestDiffers "digest-differs" "the pod runs another image than the one that was deployed",
        SecretMissing "secret-missing" "a secret that the pod names is not there",
        ConfigMapMissing "config-map-missing" "a config map that the pod names is not there",
        KeyMissing "key-missing" "a secret or config map has no such key",
        ContainerConfigError "container-config-error" "the container can not be made as it is described",
        ExecNotFound "exec-not-found" "the command is not in the image",
        ExecFormat "exec-format" "the command is no program of this machine",
        ExecPermission "exec-permission" "the command may not be executed",
        SandboxFailed "sandbox-failed" "the network or the sandbox of the pod can not be made",
        InitContainerFailed "init-container-failed" "an init container ended badly",
        InitContainerHangs "init-container-hangs" "an init container does not end",
    }
    Runtime {
        CrashLoop "crash-loop" "the container ends again and again",
        OomKilled "oom-killed" "the container needed more memory than its limit",
        StartupProbeFailing "startup-probe-failing" "the startup probe says no",
        LivenessProbeFailing "liveness-probe-failing" "the liveness probe says no",
        ReadinessProbeFailing "readiness-probe-failing" "the readiness probe says no",
        Flapping "flapping" "pods become ready and lose it again",
        Evicted "evicted" "a node put the pod out",
        PodDeadlineExceeded "pod-deadline-exceeded" "the pod ran into its own deadline",
        NodeLost "node-lost" "the node of the pod is gone",
    }
    Traffic {
        ServiceSelectsNothing "service-selects-nothing" "the service selects no pod",
        TargetPortWrong "target-port-wrong" "the service asks a port that no container has",
        NodePortTaken "node-port-taken" "the port of the nodes is in use by another service",
        LoadBalancerPending "load-balancer-pending" "the load balancer or ingress has no address",
        PodsTerminating "pods-terminating" "old pods do not end",
    }
    Job {
        JobBackoffLimitExceeded "job-backoff-limit-exceeded" "the job failed as often as it may",
        JobDeadlineExceeded "job-deadline-exceeded" "the job ran into its deadline",
        MigrationFailed "migration-failed" "what must pass before the rollout did not",
    }
    ElasticBeanstalk {
        ApplicationMissing "application-missing" "the application is not there",
        EnvironmentMissing "environment-missing" "the environment is not there",
        EnvironmentNotReady "environment-not-ready" "another update of the environment runs",
        BucketRefused "bucket-refused" "the bucket can not be used",
        BundleTooLarge "bundle-too-large" "the bundle is larger than Elastic Beanstalk takes",
        LabelTaken "label-taken" "the label is of another version already",
        VersionFailed "version-failed" "the version was not processed",
        VersionQuota "version-quota" "the account has as many versions as it may",
        CommandFailed "command-failed" "a command on the instances failed",
        CommandTimedOut "command-timed-out" "a command on the instances did not end in time",
        BatchFailed "batch-failed" "a batch of instances failed and was rolled back",
        MixedVersions "mixed-versions" "instances run different versions",
        UnhealthyInstances "unhealthy-instances" "the health of instances is not good",
        CapacityShort "capacity-short" "there are not as many instances as wanted",
        OldVersionServes "old-version-serves" "it is healthy, but on the version before",
    }
    Registry {
        PushDenied "push-denied" "the registry does not let this login push there",
        RepositoryMissing "repository-missing" "the repository is not in the registry",
        ManifestRefused "manifest-refused" "the registry does not take the image",
    }
    Service {
        ContainerExited "container-exited" "the container ended",
        ContainerUnhealthy "container-unhealthy" "the container does not answer as healthy",
        PortTaken "port-taken" "the port of the host is in use",
        ScriptFailed "script-failed" "the script ended badly",
        VerificationFailed "verification-failed" "the check after the script says no",
    }
    Storage {
        BucketMissing "bucket-missing" "the bucket is not there",
        UploadRefused "upload-refused" "the storage does not take a file",
        FileDiffers "file-differs" "a file in the bucket is not the one that was uploaded",
    }
    Unknown {
        WatchLost "watch-lost" "we do not know any more what is true at the target",
        TimedOut "timed-out" "it was not live in time, for no cause that is known",
        Unexplained "unexplained" "the target said something that no rule knows",
    }
}

impl std::fmt::Display for FindingCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::FindingCode;

    #[test]
    fn words_are_stable_unique_and_read_back() {
        let mut words: Vec<_> = FindingCode::ALL.iter().map(|code| code.word()).collect();
        for (code, word) in FindingCode::ALL.iter().zip(&words) {
            let json = serde_json::to_string(code).expect("writes");
            assert_eq!(json, format!("\"{word}\""));
            assert_eq!(serde_json::from_str::<FindingCode>(&json).expect("reads"), *code);
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), FindingCode::ALL.len());
    }
}
