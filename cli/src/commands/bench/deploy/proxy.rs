//! Counts the calls of a cluster's API: a plain address on loopback before it, which asks with the
//! rights of the bench.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use chrono::{DateTime, Utc};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONNECTION, HOST};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Gone when this is dropped.
pub(super) struct Proxy {
    times: Arc<Mutex<Vec<DateTime<Utc>>>>,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Listens before this cluster.
    pub(super) async fn before(client: Client) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let times = Arc::<Mutex<Vec<DateTime<Utc>>>>::default();
        let seen = Arc::clone(&times);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (client, seen) = (client.clone(), Arc::clone(&seen));
                let pass = service_fn(move |request| {
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push(Utc::now());
                    pass(client.clone(), request)
                });
                let http = hyper::server::conn::http1::Builder::new();
                let connection = http.serve_connection(TokioIo::new(stream), pass);
                tokio::spawn(async move {
                    // A connection that breaks is the worker's to tell.
                    let _broken = connection.await;
                });
            }
        });
        Ok(Self { times, address, serving })
    }

    /// With it a worker reaches the cluster, in this namespace. The token is nobody's: the proxy
    /// asks with its own rights.
    pub(super) fn kubeconfig(&self, namespace: &str) -> String {
        let name = "bench";
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": name,
            "clusters": [{ "name": name, "cluster": { "server": format!("http://{}", self.address) } }],
            "users": [{ "name": name, "user": { "token": "nobody-s-token" } }],
            "contexts": [{ "name": name, "context": {
                "cluster": name, "user": name, "namespace": namespace,
            }}],
        })
        .to_string()
    }

    /// How many were made in this time.
    pub(super) fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> usize {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.iter().filter(|at| (from..=to).contains(at)).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn pass(client: Client, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let (mut parts, body) = request.into_parts();
    for name in [AUTHORIZATION, CONNECTION, HOST] {
        parts.headers.remove(name);
    }
    let sent = match body.collect().await {
        Ok(body) => client.send(Request::from_parts(parts, Body::from(body.to_bytes()))).await,
        Err(_) => return Ok(broken()),
    };
    Ok(sent.unwrap_or_else(|_| broken()))
}

fn broken() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
