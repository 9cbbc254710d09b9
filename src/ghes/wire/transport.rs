use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use tower::{BoxError, Service, ServiceExt};

use crate::ghes::error::ApiError;

/// A service that carries requests to GHES and brings back the replies.
///
/// Essentially an alias for `Service<Request<Full<Bytes>>, Response = Response<impl Body>>`: it
/// is implemented for every such service that can be shared between threads, such as
/// [`HttpsTransport`](crate::ghes::HttpsTransport) or the emulator, and cannot be implemented
/// otherwise.
pub trait Transport: sealed::Sealed + Clone + Send + Sync + 'static {
    /// Sends a request and reads the reply to its end.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`] if there is no complete reply of at most `max_reply_bytes`.
    fn exchange(
        self,
        request: Request<Full<Bytes>>,
        max_reply_bytes: usize,
    ) -> impl Future<Output = Result<Response<Bytes>, ApiError>> + Send;
}

impl<T, B> Transport for T
where
    T: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
    T::Error: Into<BoxError>,
    T::Future: Send,
    B: Body + Send,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    async fn exchange(
        self,
        request: Request<Full<Bytes>>,
        max_reply_bytes: usize,
    ) -> Result<Response<Bytes>, ApiError> {
        let (head, body) = self
            .oneshot(request)
            .await
            .map_err(ApiError::no_head)?
            .into_parts();
        match Limited::new(body, max_reply_bytes).collect().await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
            Err(error) => Err(ApiError::broken_body(head.status, error)),
        }
    }
}

#[expect(unnameable_types, reason = "naming it would unseal the trait")]
mod sealed {
    use super::{Bytes, Full, Request, Service};

    pub trait Sealed {}

    impl<T: Service<Request<Full<Bytes>>>> Sealed for T {}
}
