/// What a breaker does with calls.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum BreakerState {
    /// All may pass.
    Closed,
    /// None may pass.
    Open,
    /// One may pass, to find out.
    HalfOpen,
}

impl BreakerState {
    /// Returns the state as one lower-case word, for logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}
