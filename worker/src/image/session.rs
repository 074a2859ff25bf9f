//! Our end of a BuildKit session: the engine asks it for a secret when a `RUN` mounts one.
//!
//! The values stay in this process's memory: none is written to a file, an option or a layer.

use std::collections::HashMap;
use std::time::Duration;

use bollard::grpc::build::health::health_check_response::ServingStatus;
use bollard::grpc::build::health::health_server::{Health, HealthServer};
use bollard::grpc::build::health::{
    HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse,
};
use bollard::grpc::build::moby::buildkit::secrets::v1::secrets_server::{Secrets, SecretsServer};
use bollard::grpc::build::moby::buildkit::secrets::v1::{GetSecretRequest, GetSecretResponse};
use futures::stream::{self, Empty};
use slipway_pipelines::wire::{Secret, SecretText};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response, Status};

/// An engine that does not take the session up in this time does not have sessions.
const OPENING: Duration = Duration::from_secs(20);
/// Far above any answer to an upgrade.
const LONGEST_ANSWER: usize = 16 * 1024;

/// Why there is no session.
#[derive(Debug)]
pub(super) enum NoSession {
    /// This engine has no BuildKit.
    Refused,
    /// One sentence.
    Broken(String),
}

/// A session that lasts until it is dropped.
pub(super) struct Session {
    /// What the build names it by.
    pub(super) id: String,
    serving: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Session {
    /// Opens a session on the engine at this address that knows these secrets.
    pub(super) async fn open(address: &str, secrets: &[Secret]) -> Result<Self, NoSession> {
        let id = format!("slipway-{}", uuid::Uuid::new_v4());
        let opening = async {
            if let Some(path) = address.strip_prefix("unix://") {
                serve(UnixStream::connect(path).await?, &id, secrets).await
            } else if let Some(host) = plain_host(address) {
                serve(TcpStream::connect(host).await?, &id, secrets).await
            } else {
                Err(std::io::Error::other("build secrets need an engine at unix:// or tcp://"))
            }
        };
        match tokio::time::timeout(OPENING, opening).await {
            Ok(Ok(Some(serving))) => Ok(Self { id, serving }),
            Ok(Ok(None)) => Err(NoSession::Refused),
            Ok(Err(error)) => {
                Err(NoSession::Broken(format!("the engine opened no build session: {error}")))
            }
            Err(_) => Err(NoSession::Broken(format!(
                "the engine opened no build session within {} seconds",
                OPENING.as_secs()
            ))),
        }
    }
}

fn plain_host(address: &str) -> Option<&str> {
    let rest = address.strip_prefix("tcp://").or_else(|| address.strip_prefix("http://"))?;
    Some(rest.trim_end_matches('/'))
}

/// Serves on the upgraded connection; none: the engine answered, but does not upgrade.
async fn serve<C>(
    mut connection: C,
    id: &str,
    secrets: &[Secret],
) -> std::io::Result<Option<JoinHandle<()>>>
where
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let ask = format!(
        "POST /session HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\
         Content-Length: 0\r\nX-Docker-Expose-Session-Uuid: {id}\r\n\
         X-Docker-Expose-Session-Name: slipway\r\n\
         X-Docker-Expose-Session-Grpc-Method: /moby.buildkit.secrets.v1.Secrets/GetSecret\r\n\r\n"
    );
    connection.write_all(ask.as_bytes()).await?;
    let mut answer = Vec::new();
    // Byte by byte: what follows the empty line belongs to the session.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() > LONGEST_ANSWER {
            return Err(std::io::Error::other("its answer to the upgrade has no end"));
        }
        answer.push(connection.read_u8().await?);
    }
    if !answer.starts_with(b"HTTP/1.1 101") {
        return Ok(None);
    }
    let known = secrets
        .iter()
        .map(|secret| (secret.name.as_str().to_owned(), secret.value.clone()))
        .collect();
    let server = Server::builder()
        .add_service(HealthServer::new(Alive))
        .add_service(SecretsServer::new(Known(known)))
        .serve_with_incoming(stream::iter([Ok::<_, std::io::Error>(connection)]));
    Ok(Some(tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::debug!(%error, "a build session ended");
        }
    })))
}

/// The secrets of one build.
struct Known(HashMap<String, SecretText>);

#[tonic::async_trait]
impl Secrets for Known {
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = &request.get_ref().id;
        match self.0.get(id) {
            Some(value) => {
                Ok(Response::new(GetSecretResponse { data: value.expose().as_bytes().to_vec() }))
            }
            None => Err(Status::not_found(format!("this build was given no secret {id}"))),
        }
    }
}

/// Newer engines ask now and then whether the session still lives.
struct Alive;

#[tonic::async_trait]
impl Health for Alive {
    type WatchStream = Empty<Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse { status: ServingStatus::Serving.into() }))
    }

    async fn list(
        &self,
        _: Request<HealthListRequest>,
    ) -> Result<Response<HealthListResponse>, Status> {
        Err(Status::unimplemented("ask with Check"))
    }

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("ask with Check"))
    }
}
