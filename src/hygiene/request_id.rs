use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http::HeaderValue;

/// Makes ids of requests, so that lines of several logs can be matched.
///
/// An id is unique among all ids of this and other processes; it is not a secret.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// The prefix of each id.
    process: [u8; DIGITS + 1],
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // The standard library seeds its hashers from the system's random numbers.
        Self::of(RandomState::new().hash_one(0), 0)
    }

    fn of(process: u64, next: u64) -> Self {
        let mut begin = [b'-'; DIGITS + 1];
        write_hex(process, &mut begin[..DIGITS]);
        Self {
            process: begin,
            next: AtomicU64::new(next),
        }
    }

    pub(crate) fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = [0; 2 * DIGITS + 1];
        id[..=DIGITS].copy_from_slice(&self.process);
        let digits = DIGITS - (number.leading_zeros() as usize / 4).min(DIGITS - 1);
        let end = DIGITS + 1 + digits;
        write_hex(number, &mut id[DIGITS + 1..end]);
        let id = HeaderValue::from_maybe_shared(kept(&id[..end]));
        id.expect("hex digits are visible ASCII")
    }
}

/// Copies an id into a shared block of memory, so that neither the id nor its clones need an
/// allocation. A block holds some forty of them.
fn kept(id: &[u8]) -> Bytes {
    thread_local! {
        static BLOCK: RefCell<BytesMut> = RefCell::new(BytesMut::with_capacity(BLOCK_BYTES));
    }
    BLOCK.with_borrow_mut(|block| {
        block.extend_from_slice(id);
        block.split().freeze()
    })
}

/// Writes the lowest digits of a number, as many as fit.
fn write_hex(mut number: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number % 16) as usize];
        number /= 16;
    }
}

/// A block is freed only after its last id, so a kept id keeps a whole block.
const BLOCK_BYTES: usize = 1024;

/// The digits of the largest number.
const DIGITS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_process_in_full_and_the_number_in_short() {
        for (process, number, id) in [
            (0, 0, "0000000000000000-0"),
            (0xab, 0xf, "00000000000000ab-f"),
            (1, 0x10, "0000000000000001-10"),
            (u64::MAX, u64::MAX, "ffffffffffffffff-ffffffffffffffff"),
        ] {
            assert_eq!(RequestIds::of(process, number).next(), id);
        }
    }

    #[test]
    fn no_two_ids_are_alike() {
        let (one, other) = (RequestIds::new(), RequestIds::new());
        let ids = [one.next(), one.next(), other.next(), other.next()];
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{id:?}");
        }
    }
}
