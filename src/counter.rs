use std::array::from_fn;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A count that many threads add to without waiting for each other's cache lines.
///
/// One shared number would make two threads slower than one wherever every request counts.
#[derive(Debug, Default)]
pub(crate) struct Counter(Counters<1>);

/// Counts of one thing, which share the cache lines of their thread: up to sixteen need no more
/// memory than one.
#[derive(Debug)]
pub(crate) struct Counters<const N: usize>([Stripe<N>; STRIPES]);

#[derive(Debug)]
#[repr(align(128))]
struct Stripe<const N: usize>([AtomicU64; N]);

impl Counter {
    pub(crate) fn increment(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, count: u64) {
        self.0.add(0, count);
    }

    /// Returns the sum; what is added meanwhile may or may not be in it.
    pub(crate) fn get(&self) -> u64 {
        self.0.get(0)
    }
}

impl<const N: usize> Counters<N> {
    #[cfg_attr(
        not(feature = "proxy"),
        expect(dead_code, reason = "others count one thing")
    )]
    pub(crate) fn increment(&self, at: usize) {
        self.add(at, 1);
    }

    pub(crate) fn add(&self, at: usize, count: u64) {
        self.0[stripe()].0[at].fetch_add(count, Ordering::Relaxed);
    }

    /// Returns the sum; what is added meanwhile may or may not be in it.
    pub(crate) fn get(&self, at: usize) -> u64 {
        let stripes = self.0.iter();
        let counts = stripes.map(|stripe| stripe.0[at].load(Ordering::Relaxed));
        counts.fold(0, u64::wrapping_add)
    }
}

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        let none = |_| AtomicU64::new(0);
        Self(from_fn(|_| Stripe(from_fn(none))))
    }
}

/// Threads take turns, so that as many as there are stripes share none.
fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static STRIPE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    STRIPE.with(|stripe| {
        if stripe.get() == usize::MAX {
            stripe.set(NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        stripe.get()
    })
}

const STRIPES: usize = 16;

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn no_thread_loses_a_count() {
        let counter = Counter::default();
        thread::scope(|scope| {
            for _ in 0..2 * STRIPES {
                scope.spawn(|| (0..1_000).for_each(|_| counter.increment()));
            }
        });
        counter.add(5);
        assert_eq!(counter.get(), 2 * STRIPES as u64 * 1_000 + 5);
    }

    #[test]
    fn each_has_its_own_count() {
        let counters = Counters::<3>::default();
        counters.increment(0);
        counters.add(2, 7);
        assert_eq!([0, 1, 2].map(|at| counters.get(at)), [1, 0, 7]);
        assert_eq!(size_of_val(&counters), size_of::<Counter>());
    }
}
