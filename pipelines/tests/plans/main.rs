//! Good files and the plans they make.

mod beanstalk;
mod conditions;
mod deploys;
mod images;
mod kubernetes;
mod limits;
mod machine;
mod matrix;
mod nothing;
mod own;
mod pull_requests;
mod tell;
mod whole;
