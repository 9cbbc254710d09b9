use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower::BoxError;

use super::CheckErrorKind;

/// A failure to get an answer. Cheap to clone: all who waited for one check share it.
///
/// The text and the [`source`](std::error::Error::source) chain are for the operator's log; a
/// client learns no more than "try again later".
#[derive(Clone, Debug)]
pub struct CheckError(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kind: CheckErrorKind,
    retry_after: Option<Duration>,
    source: Option<BoxError>,
}

impl CheckError {
    /// Names a failure.
    #[must_use]
    pub fn new(kind: CheckErrorKind) -> Self {
        Self::build(kind, None, None)
    }

    /// Names a failure and its cause. The cause must not contain a secret: it will be logged.
    pub fn with_source(kind: CheckErrorKind, source: impl Into<BoxError>) -> Self {
        Self::build(kind, None, Some(source.into()))
    }

    /// Names a failure after which the issuer wants to be left alone for a while.
    pub fn with_retry_after(
        kind: CheckErrorKind,
        retry_after: Duration,
        source: impl Into<BoxError>,
    ) -> Self {
        Self::build(kind, Some(retry_after), Some(source.into()))
    }

    /// Returns what kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> CheckErrorKind {
        self.0.kind
    }

    /// Returns how long the issuer asked to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Recovers the error that a stack of layers has boxed, and names what the layers add.
    pub(crate) fn from_boxed(error: BoxError) -> Self {
        match error.downcast::<Self>() {
            Ok(error) => *error,
            Err(other) => Self::with_source(CheckErrorKind::Unavailable, other),
        }
    }

    fn build(
        kind: CheckErrorKind,
        retry_after: Option<Duration>,
        source: Option<BoxError>,
    ) -> Self {
        Self(Arc::new(Inner {
            kind,
            retry_after,
            source,
        }))
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind().description())
    }
}

impl std::error::Error for CheckError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source = self.0.source.as_ref()?;
        Some(&**source)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn the_error_is_one_word_and_shared() {
        assert_eq!(size_of::<CheckError>(), size_of::<usize>());
        let error = CheckError::with_source(CheckErrorKind::Timeout, "deadline");
        assert!(Arc::ptr_eq(&error.0, &error.clone().0));
    }

    #[test]
    fn boxing_and_unboxing_keeps_the_error() {
        let error = CheckError::with_source(CheckErrorKind::RateLimited, "slow down");
        let back = CheckError::from_boxed(Box::new(error));
        assert_eq!(back.kind(), CheckErrorKind::RateLimited);
        assert_eq!(back.source().unwrap().to_string(), "slow down");

        let foreign = CheckError::from_boxed("breaker open".into());
        assert_eq!(foreign.kind(), CheckErrorKind::Unavailable);
        assert_eq!(foreign.source().unwrap().to_string(), "breaker open");
    }
}
