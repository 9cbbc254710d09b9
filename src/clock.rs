use governor::clock::Clock;
use governor::nanos::Nanos;
use tokio::time::Instant;

/// Tokio's time for rate limiters, so that it stands still where Tokio's does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokioClock(Instant);

impl TokioClock {
    pub(crate) fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.elapsed().into()
    }
}
