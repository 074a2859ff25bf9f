//! The messages between server and worker: JSON over HTTP, made only of the types of this room.
//!
//! A worker dials in. It registers with a token, long-polls [`ClaimRequest`]s, and then works on
//! one [`Assignment`] at a time per slot; every write of an attempt carries that attempt's own
//! token, and a stale attempt is answered 409 and stops.

pub mod api;
mod assignment;
mod attempt;
mod blob;
mod deploy;
mod finding;
mod finding_code;
mod import;
mod problem;
mod secret;
mod shell;
mod worker;

pub use assignment::{
    Assignment, DeployAction, DeployWork, GitSource, JobWork, Limits, PlanWork, VerifyWork, Work,
};
pub use attempt::{
    AttemptEvent, EventBatch, FinishRequest, HeartbeatResponse, JobOutcome, LogAppended,
    PlanReport, PlanResult, ServiceStatus, StepOutcome,
};
pub use blob::{
    BLOB_FROM_HEADER, BLOB_SHA256_HEADER, BlobFile, BlobKind, BlobOffer, BlobWanted, TestCase,
    TestOutcome, TestReport, Trust,
};
pub use deploy::{
    Carried, CarriedImage, DeployGrant, DeployProgress, DeployRequest, Evidence, Version, tree_name,
};
pub use finding::{Finding, FindingVerdict};
pub use finding_code::{FindingArea, FindingCode};
pub use import::{ImportRequest, ImportSource};
pub use problem::Problem;
pub use secret::{Secret, SecretText};
pub use shell::{
    KeptJob, SHELL_STDERR, SHELL_STDOUT, ShellClaim, ShellLimits, ShellOrder, ShellQuery,
    ShellSize, ShellTold, ShellTyped,
};
pub use worker::{ClaimRequest, Lane, PROTOCOL_VERSION, RegisterRequest, RegisterResponse};
