use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use http_body_util::BodyExt;

use super::problem::Problem;

/// Reads a body within a size and a time limit.
pub(crate) async fn small_body<B>(body: B, max_bytes: usize) -> Result<Bytes, Problem>
where
    B: Body<Data = Bytes>,
{
    let mut read = Vec::new();
    each_piece(body, max_bytes, |piece| read.extend_from_slice(piece)).await?;
    Ok(read.into())
}

/// Reads a body in pieces, within a size and a time limit.
pub(crate) async fn each_piece<B>(
    body: B,
    max_bytes: usize,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Problem>
where
    B: Body<Data = Bytes>,
{
    // A body with a declared length above the limit is refused before a byte is read.
    if body.size_hint().lower() > max_bytes as u64 {
        return Err(TOO_LARGE);
    }
    let reading = async {
        let mut body = pin!(body);
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BROKEN_OFF)?;
            let piece = frame.into_data().unwrap_or_default();
            length += piece.len();
            if length > max_bytes {
                return Err(TOO_LARGE);
            }
            take(&piece);
        }
        Ok(())
    };
    let in_time = tokio::time::timeout(BODY_TIMEOUT, reading).await;
    in_time.unwrap_or(Err(TOO_SLOW))
}

/// A small body arrives with its head; a slower client only holds a connection.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

const TOO_LARGE: Problem = Problem::new(
    StatusCode::PAYLOAD_TOO_LARGE,
    "the body is longer than anything that this endpoint takes",
);

const BROKEN_OFF: Problem = Problem::new(StatusCode::BAD_REQUEST, "the body broke off");

const TOO_SLOW: Problem = Problem::new(StatusCode::REQUEST_TIMEOUT, "the body took too long");

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body::Frame;
    use http_body_util::{Full, StreamBody};

    use super::*;

    fn known(text: &'static str) -> Full<Bytes> {
        Full::from(text)
    }

    fn frames(frames: &[&'static str]) -> impl Body<Data = Bytes, Error = Infallible> + use<> {
        let frames: Vec<_> = frames
            .iter()
            .map(|text| Bytes::from_static(text.as_bytes()))
            .collect();
        StreamBody::new(futures_util::stream::iter(
            frames.into_iter().map(|data| Ok(Frame::data(data))),
        ))
    }

    #[tokio::test]
    async fn the_limit_holds_for_bodies_of_known_and_of_unknown_length() {
        let read = small_body(known("12345678"), 8).await;
        assert_eq!(read.unwrap(), "12345678");
        let read = small_body(frames(&["1234", "5678"]), 8).await;
        assert_eq!(read.unwrap(), "12345678");
        let read = small_body(known("123456789"), 8).await;
        assert_eq!(read.unwrap_err(), TOO_LARGE);
        let read = small_body(frames(&["1234", "56789"]), 8).await;
        assert_eq!(read.unwrap_err(), TOO_LARGE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_not_waited_for() {
        let silent = StreamBody::new(futures_util::stream::pending::<
            Result<Frame<Bytes>, Infallible>,
        >());
        assert_eq!(small_body(silent, 8).await.unwrap_err(), TOO_SLOW);
    }
}
