use std::fmt;
use std::marker::PhantomData;

use http::Method;
use serde::de::DeserializeOwned;

use super::link;
use crate::ghes::error::ApiError;
use crate::ghes::wire::connection::{Call, Connection};
use crate::ghes::wire::reply;
use crate::ghes::wire::transport::Transport;

/// A list that GHES gives out page by page.
///
/// Nothing is sent before the first page is asked for.
///
/// ```no_run
/// # use ghes_gatekeeper::ghes::{ApiError, AuthorizationsClient, HttpsTransport, ListOptions};
/// # async fn f(client: AuthorizationsClient<HttpsTransport>) -> Result<(), ApiError> {
/// let mut pages = client.authorizations(&ListOptions::new());
/// while let Some(page) = pages.next_page().await? {
///     for authorization in page {
///         println!("{}: {}", authorization.id, authorization.app.client_id);
///     }
/// }
/// # Ok(())
/// # }
/// ```
#[must_use]
pub struct Pages<T, R> {
    connection: Connection<T>,
    next: Option<String>,
    item: PhantomData<fn() -> R>,
}

impl<T, R> Pages<T, R> {
    pub(in crate::ghes) fn new(connection: Connection<T>, first: String) -> Self {
        Self {
            connection,
            next: Some(first),
            item: PhantomData,
        }
    }
}

impl<T: Transport, R: DeserializeOwned> Pages<T, R> {
    /// Fetches the next page; none after the last one.
    ///
    /// How many pages there are is up to GHES, and so is whether they change in between.
    ///
    /// # Errors
    ///
    /// Returns [`ApiError`] if GHES refuses, and if the reply links to a next page on another
    /// server: credentials are not sent there. The page that failed is then the next one still.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is ready, the next call returns the same page.
    pub async fn next_page(&mut self) -> Result<Option<Vec<R>>, ApiError> {
        let Some(url) = &self.next else {
            return Ok(None);
        };
        let call = Call::to(Method::GET, url)?.expecting_list();
        let response = self.connection.send(call).await?;
        let page = reply::json(&response)?;
        self.next = link::next_page(response.headers(), self.connection.api_root())
            .map_err(|error| ApiError::unexpected(&response, error))?;
        Ok(Some(page))
    }
}

impl<T, R> fmt::Debug for Pages<T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("has_ended", &self.next.is_none())
            .finish_non_exhaustive()
    }
}
