//! Bodies and answers.

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, Limited};
use hyper::body::{Body as HttpBody, Frame};
use hyper::{Response, StatusCode, header};
use serde_json::Value;
use tokio::sync::mpsc;

use super::refusal::Refusal;

/// Whatever broke a body off.
pub(super) type BodyError = Box<dyn std::error::Error + Send + Sync>;
/// A body on its way.
pub(super) type Body = BoxBody<Bytes, BodyError>;

/// The largest JSON that a client sends or an engine answers.
const LARGEST_JSON: usize = 8 * 1024 * 1024;
/// Pieces of an answer that is changed on its way.
const PIECES: usize = 16;

pub(super) fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

pub(super) fn full(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

/// Hands a body on as it is.
pub(super) fn through<B>(body: B) -> Body
where
    B: HttpBody<Data = Bytes> + Send + Sync + 'static,
    B::Error: Into<BodyError>,
{
    body.map_err(Into::into).boxed()
}

/// A body that is written while it is read; it ends when the sender is dropped.
pub(super) fn channel() -> (mpsc::Sender<Result<Bytes, BodyError>>, Body) {
    use futures::StreamExt as _;
    let (sender, receiver) = mpsc::channel::<Result<Bytes, BodyError>>(PIECES);
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let frames = stream.map(|piece| piece.map(Frame::data));
    (sender, BodyExt::boxed(http_body_util::StreamBody::new(frames)))
}

/// All of a body, if it is no larger than JSON may be.
pub(super) async fn whole<B>(body: B) -> Result<Bytes, Refusal>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    match Limited::new(body, LARGEST_JSON).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            let most = LARGEST_JSON / (1024 * 1024);
            Err(Refusal::too_large(format!("A request of more than {most} MiB is not taken.")))
        }
        Err(error) => Err(Refusal::bad(format!("The request broke off: {error}."))),
    }
}

/// The JSON of a request; an empty body is null.
pub(super) async fn json<B>(body: B) -> Result<Value, Refusal>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BodyError>,
{
    let bytes = whole(body).await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| Refusal::bad(format!("The request is not valid JSON: {error}.")))
}

/// An answer of JSON.
pub(super) fn answer(status: StatusCode, value: &Value) -> Response<Body> {
    let mut response = Response::new(full(value.to_string()));
    *response.status_mut() = status;
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// An answer without words.
pub(super) fn nothing(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(empty());
    *response.status_mut() = status;
    response
}
