//! Deploys to Elastic Beanstalk, against the stand-in of AWS.

mod bench;
mod bundles;
mod good;
mod lost;
mod refused;
mod unhealthy;
