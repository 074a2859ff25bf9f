//! Deploys to Elastic Beanstalk, against the stand-in of AWS.

mod bench;
mod bundles;
mod causes;
mod good;
mod large;
mod lost;
mod refused;
mod unhealthy;
