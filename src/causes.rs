use std::error::Error;
use std::fmt;

/// All that led to an error, from the nearest cause to the first, for a line of the log.
pub(crate) struct Causes<'e>(pub(crate) &'e dyn Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut next = self.0.source();
        let mut separator = "";
        while let Some(cause) = next {
            write!(f, "{separator}{cause}")?;
            separator = ": ";
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{CheckError, CheckErrorKind};

    #[test]
    fn the_first_cause_is_told_too() {
        let io = std::io::Error::other("connection refused");
        let inner = CheckError::with_source(CheckErrorKind::Unavailable, io);
        let outer = CheckError::with_source(CheckErrorKind::Timeout, inner);
        let told = Causes(&outer).to_string();
        assert_eq!(told, "the check failed: connection refused");
        let alone = CheckError::new(CheckErrorKind::AppMismatch);
        assert_eq!(Causes(&alone).to_string(), "");
    }
}
