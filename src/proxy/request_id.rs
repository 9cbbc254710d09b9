use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderValue;

/// Names requests, so that lines of several logs can be matched.
///
/// An id is unique among all that this and other processes give out; it is not a secret.
#[derive(Debug)]
pub(super) struct RequestIds {
    process: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        Self {
            // The standard library seeds its hashers from the system's random numbers.
            process: RandomState::new().hash_one(0),
            next: AtomicU64::new(0),
        }
    }

    pub(super) fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut id = [0; 2 * DIGITS + 1];
        write_hex(self.process, &mut id[..DIGITS]);
        id[DIGITS] = b'-';
        let digits = DIGITS - (number.leading_zeros() as usize / 4).min(DIGITS - 1);
        let end = DIGITS + 1 + digits;
        write_hex(number, &mut id[DIGITS + 1..end]);
        HeaderValue::from_bytes(&id[..end]).expect("hex digits are visible ASCII")
    }
}

/// Writes the lowest digits of a number, as many as there is room for.
fn write_hex(mut number: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(number % 16) as usize];
        number /= 16;
    }
}

/// Of the largest number.
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
            let next = AtomicU64::new(number);
            assert_eq!(RequestIds { process, next }.next(), id);
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
