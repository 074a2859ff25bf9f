//! Answers that take their time (builds, pulls, pushes), in the job's words, and what is to be done
//! when they end, before their client hears that they did.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::Response;
use hyper::body::Incoming;

use crate::engine_proxy::JobEngine;
use crate::engine_proxy::http::{self, Body};
use crate::engine_proxy::serve::kept;
use crate::engine_proxy::words::Words;

/// A longer line goes on as it is.
const LONGEST_LINE: usize = 1 << 20;

/// Are there lines of text in it, in which names of ours are replaced?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::engine_proxy) enum Kind {
    Lines,
    Bytes,
}

/// Hands an answer on; `end` is done when it has ended, or nobody reads it any more.
pub(in crate::engine_proxy) fn relay(
    engine: &Arc<JobEngine>,
    response: Response<Incoming>,
    kind: Kind,
    words: Words,
    end: impl Future<Output = ()> + Send + 'static,
) -> Response<Body> {
    let (sender, body) = http::channel();
    let mut answer = kept(response);
    let mut source = std::mem::replace(answer.body_mut(), body);
    let stop = engine.stop.clone();
    engine.serving.spawn(async move {
        let reading = async {
            let mut line = BytesMut::new();
            while let Some(frame) = source.frame().await {
                let piece = match frame {
                    Ok(frame) => frame.into_data().unwrap_or_default(),
                    Err(error) => {
                        let _gone = sender.send(Err(error)).await;
                        return;
                    }
                };
                let piece =
                    if kind == Kind::Lines { lines(&mut line, &piece, &words) } else { piece };
                if !piece.is_empty() && sender.send(Ok(piece)).await.is_err() {
                    return;
                }
            }
            if !line.is_empty() {
                let rest = words.text(&String::from_utf8_lossy(&line));
                let _gone = sender.send(Ok(rest.into())).await;
            }
        };
        tokio::select! {
            () = reading => {}
            () = stop.cancelled() => {}
            () = sender.closed() => {}
        }
        // The engine breaks off what nobody reads.
        drop(source);
        end.await;
        drop(sender);
    });
    answer
}

/// What is whole of the lines so far, in the job's words.
fn lines(line: &mut BytesMut, piece: &Bytes, words: &Words) -> Bytes {
    line.extend_from_slice(piece);
    let whole = match line.iter().rposition(|byte| *byte == b'\n') {
        Some(end) => line.split_to(end + 1),
        None if line.len() > LONGEST_LINE => line.split(),
        None => return Bytes::new(),
    };
    match std::str::from_utf8(&whole) {
        Ok(text) => words.text(text).into(),
        Err(_) => whole.freeze(),
    }
}
