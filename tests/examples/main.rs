//! `pipelines/examples`: each is pushed as its README says, runs through a real server and a real
//! worker on the real engine, and shows what its README promises. Images have their names of Docker
//! Hub and are made by `scripts/base_images.sh`; AWS, GitHub and Docker Hub itself stand in.

mod alone;
mod aws;
mod containers;
mod example;
mod images;
mod jobs;
mod linted;
mod registry;
mod travis;
