use tower::{BoxError, Service};

use super::outcome::Answer;
use super::{CheckError, CheckPurpose, Told};
use crate::token::AccessToken;

/// A question to an issuer: whether a token is good, or where its person belongs.
///
/// Implemented for [`CheckRequest`](super::CheckRequest) and
/// [`MembershipRequest`](crate::membership::MembershipRequest), and for nothing else.
pub trait Question: sealed::Sealed + Clone + Send + Sync + 'static {
    /// What the issuer answers.
    type Answer: Answer + Clone + Send + Sync + 'static;

    /// Returns the token that it is about, or that it is asked with.
    fn token(&self) -> &AccessToken;

    /// Returns what the answer is for.
    fn purpose(&self) -> CheckPurpose;
}

/// A service that asks an issuer questions of one kind.
///
/// Essentially an alias for `Service<Q, Response = Q::Answer>`: it is implemented for every such
/// service that can be shared between threads, and cannot be implemented otherwise. The response
/// may also be a [`Told`], of a service that remembers answers.
pub trait AskService<Q: Question>: sealed::Asks<Q> + Clone + Send + Sync + 'static {
    /// Waits until the service is ready, then asks.
    ///
    /// # Errors
    ///
    /// Returns [`CheckError`] if there is no answer; an error of another type, as layers add
    /// them, becomes the source of one.
    fn ask(self, question: Q) -> impl Future<Output = Result<Told<Q::Answer>, CheckError>> + Send;
}

impl<S, Q> AskService<Q> for S
where
    Q: Question,
    S: Service<Q> + Clone + Send + Sync + 'static,
    S::Response: Into<Told<Q::Answer>>,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    async fn ask(self, question: Q) -> Result<Told<Q::Answer>, CheckError> {
        let asking = tower::util::Oneshot::new(self, question);
        match asking.await {
            Ok(answer) => Ok(answer.into()),
            Err(error) => Err(CheckError::from_boxed(error.into())),
        }
    }
}

#[expect(unnameable_types, reason = "naming them would unseal the traits")]
pub(crate) mod sealed {
    use super::Service;

    /// A question of this crate.
    pub trait Sealed {}

    pub trait Asks<Q> {}

    impl<S: Service<Q>, Q> Asks<Q> for S {}
}
