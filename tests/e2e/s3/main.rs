//! Deploys to S3, against moto; what moto does not refuse, against our own stand-in of AWS. And
//! the roles that a deploy may take with the token of a server.

mod bench;
mod causes;
mod good;
mod lost;
mod roles;
mod vouched;
