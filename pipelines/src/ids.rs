//! Typed ids. All are UUIDs (version 7 when Slipway makes them, so that they sort by time);
//! people see run number `n` and job `n.m` instead.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What every id has in common, so that a caller with a clock can make any of them.
pub trait Id: Copy + Eq + fmt::Display + From<Uuid> {
    /// The UUID inside.
    fn as_uuid(self) -> Uuid;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl Id for $name {
            fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A repo that Slipway builds.
    RepoId;
    /// One webhook as received. Not the forge's own delivery id, which is text.
    DeliveryId;
    /// Everything one trigger started at one commit.
    RunId;
    /// One matrix cell of a run.
    JobId;
    /// One try, by one worker, of a planning, a job or a deploy. The fence of every write.
    AttemptId;
    /// A process that executes attempts.
    WorkerId;
    /// A named encrypted value.
    SecretId;
    /// A named deploy target.
    EnvironmentId;
    /// One try to bring one version to one environment.
    DeploymentId;
    /// One person's terminal in a job's container.
    ShellId;
    /// A person that logged in. Not the forge's own number of the account.
    UserId;
    /// A token of a person's programs. Not the token itself.
    ApiTokenId;
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i32);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

numbers! {
    /// The run number people see: 1, 2, 3 … within a repo.
    RunNumber;
    /// The job number people see after the dot: 1, 2, 3 … within a run.
    JobNumber;
    /// Which try of one piece of work this is: 1, 2, 3 …; grows only, and fences stale writers.
    AttemptNumber;
    /// A stage's place in its run, from 0.
    StageIndex;
    /// A step's place in its attempt, from 1.
    StepNumber;
}
