//! What browsers keep for us, sealed: nobody reads, makes or changes it without a key.
//!
//! ```text
//! base64url( version 1 │ key id 4 │ salt 16 │ ciphertext │ tag 16 )
//! ```
//!
//! 1. Each seal has a key of its own, which HKDF (RFC 5869) expands from one of ours and a random
//!    salt. So no nonce is ever used twice with one key, however many gates seal.
//! 2. What a seal is for is part of that key: a pending login is no session.
//! 3. Where it is good (the host, the server, the app) is authenticated with it, and not in it.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::zeroize::Zeroizing;
use sha2::{Digest, Sha256};

/// What a sealed text is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    Session,
    Pending,
    HandOver,
}

/// The keys of all gates of a fleet. The first seals, all open.
#[derive(Clone)]
pub(crate) struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    id: [u8; KEY_ID],
    /// Extracted once: a request pays for one short expansion.
    secret: Prk,
}

/// The error for a key that is shorter than [`Keys::LEAST_BYTES`], or for none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct WeakKey;

impl Keys {
    /// As many as the keys of the cipher have.
    pub(crate) const LEAST_BYTES: usize = 32;

    /// Takes over the content of key files.
    ///
    /// # Errors
    ///
    /// Returns [`WeakKey`] if there is none, or one of them is too short.
    pub(crate) fn new(secrets: impl IntoIterator<Item = Vec<u8>>) -> Result<Self, WeakKey> {
        let keys = secrets.into_iter().map(Key::new);
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        (!keys.is_empty()).then_some(Self(keys)).ok_or(WeakKey)
    }

    /// Seals `plain`, good for `purpose` and where `place` is.
    ///
    /// # Panics
    ///
    /// Panics if the system has no random numbers: nothing could be sealed then.
    pub(crate) fn seal(&self, purpose: Purpose, place: &[&str], plain: &[u8]) -> String {
        let key = self.0.first().expect("there is always one");
        let head = Head {
            key: key.id,
            salt: random(),
        };
        let mut sealed = Vec::with_capacity(HEAD + plain.len() + TAG);
        sealed.extend(head.bytes());
        sealed.extend(plain);
        let aead = key.of(purpose, &head.salt);
        let aad = Aad::from(bound(&head, place));
        let tag = aead.seal_in_place_separate_tag(nonce(), aad, &mut sealed[HEAD..]);
        let tag = tag.expect("no text is as long as the cipher takes");
        sealed.extend(tag.as_ref());
        BASE64.encode(sealed)
    }

    /// Opens what [`seal`](Self::seal) made with one of these keys, for the same purpose and place.
    pub(crate) fn open(
        &self,
        purpose: Purpose,
        place: &[&str],
        text: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let sealed = Zeroizing::new(BASE64.decode(text).ok()?);
        let (head, _) = sealed.split_first_chunk::<HEAD>()?;
        let head = Head::read(head)?;
        let bound = bound(&head, place);
        // Two keys may have one id: each is tried.
        let mut keys = self.0.iter().filter(|key| key.id == head.key);
        keys.find_map(|key| {
            let aead = key.of(purpose, &head.salt);
            let mut tried = sealed.clone();
            let plain = aead.open_within(nonce(), Aad::from(&bound), &mut tried, HEAD..);
            let length = plain.ok()?.len();
            tried.truncate(length);
            Some(tried)
        })
    }
}

impl Key {
    fn new(secret: Vec<u8>) -> Result<Self, WeakKey> {
        let secret = Zeroizing::new(secret);
        if secret.len() < Keys::LEAST_BYTES {
            return Err(WeakKey);
        }
        let digest = Sha256::new_with_prefix(b"ghes-gatekeeper key id").chain_update(&*secret);
        let digest = digest.finalize();
        let id = digest.first_chunk().expect("a digest has 32 bytes");
        let salt = Salt::new(HKDF_SHA256, b"ghes-gatekeeper session key");
        Ok(Self {
            id: *id,
            secret: salt.extract(&secret),
        })
    }

    fn of(&self, purpose: Purpose, salt: &[u8; SALT]) -> LessSafeKey {
        let info = [purpose.info(), salt];
        let derived = self.secret.expand(&info, &CHACHA20_POLY1305);
        LessSafeKey::new(UnboundKey::from(
            derived.expect("one key is no longer than HKDF gives"),
        ))
    }
}

impl Purpose {
    const fn info(self) -> &'static [u8] {
        match self {
            Self::Session => b"ghes-gatekeeper session",
            Self::Pending => b"ghes-gatekeeper pending login",
            Self::HandOver => b"ghes-gatekeeper hand-over",
        }
    }
}

struct Head {
    key: [u8; KEY_ID],
    salt: [u8; SALT],
}

impl Head {
    fn bytes(&self) -> [u8; HEAD] {
        let mut bytes = [VERSION; HEAD];
        bytes[1..=KEY_ID].copy_from_slice(&self.key);
        bytes[1 + KEY_ID..].copy_from_slice(&self.salt);
        bytes
    }

    fn read(bytes: &[u8; HEAD]) -> Option<Self> {
        let [version, rest @ ..] = bytes;
        let (key, salt) = rest.split_first_chunk()?;
        (*version == VERSION).then_some(Self {
            key: *key,
            salt: salt.try_into().ok()?,
        })
    }
}

/// The head, and each part of the place with its length, so that no two places are one.
fn bound(head: &Head, place: &[&str]) -> Vec<u8> {
    let mut bound = head.bytes().to_vec();
    for part in place {
        bound.extend((part.len() as u64).to_be_bytes());
        bound.extend(part.as_bytes());
    }
    bound
}

/// Each key seals once.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}

/// Returns random bytes.
///
/// # Panics
///
/// Panics if the system has none.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.expect("the system has random numbers");
    bytes
}

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const SALT: usize = 16;
const HEAD: usize = 1 + KEY_ID + SALT;
const TAG: usize = 16;

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(secrets: &[u8]) -> Keys {
        Keys::new(secrets.iter().map(|byte| vec![*byte; 32])).expect("long enough")
    }

    const PLACE: [&str; 2] = ["a.example.com", "default"];

    #[test]
    fn what_is_sealed_opens_with_the_same_key_purpose_and_place_alone() {
        let old = keys(b"1");
        let sealed = old.seal(Purpose::Session, &PLACE, b"gho_secret");
        let open = |keys: &Keys, purpose, place: &[&str]| {
            let plain = keys.open(purpose, place, sealed.as_bytes())?;
            Some(String::from_utf8(plain.to_vec()).expect("text"))
        };
        let secret = Some("gho_secret".to_owned());
        assert_eq!(open(&old, Purpose::Session, &PLACE), secret);
        assert_eq!(open(&keys(b"21"), Purpose::Session, &PLACE), secret);
        assert_eq!(open(&keys(b"2"), Purpose::Session, &PLACE), None);
        assert_eq!(open(&old, Purpose::Pending, &PLACE), None);
        assert_eq!(open(&old, Purpose::HandOver, &PLACE), None);
        for place in [
            &["b.example.com", "default"][..],
            &["a.example.com"],
            &["a.example.comdefault"],
            &["a.example.comd", "efault"],
            &["a.example.com", "default", ""],
            &[],
        ] {
            assert_eq!(open(&old, Purpose::Session, place), None, "{place:?}");
        }
    }

    #[test]
    fn no_flipped_bit_and_no_cut_opens() {
        let keys = keys(b"12");
        let sealed = keys.seal(Purpose::Session, &PLACE, b"gho_secret");
        let bytes = BASE64.decode(&sealed).expect("base64");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let flipped = BASE64.encode(flipped);
            let opened = keys.open(Purpose::Session, &PLACE, flipped.as_bytes());
            assert_eq!(opened, None, "bit {bit}");
        }
        for length in 0..sealed.len() {
            let cut = &sealed.as_bytes()[..length];
            assert_eq!(keys.open(Purpose::Session, &PLACE, cut), None, "{length}");
        }
        // The bits behind the last byte are none of the text's.
        assert!(
            keys.open(Purpose::Session, &PLACE, format!("{sealed}=").as_bytes())
                .is_none()
        );
    }

    #[test]
    fn no_two_seals_are_the_same() {
        let keys = keys(b"1");
        let seal = || keys.seal(Purpose::Session, &PLACE, b"the same");
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_short_key_and_no_key_are_refused() {
        assert_eq!(Keys::new([vec![1; 31]]).err(), Some(WeakKey));
        assert_eq!(Keys::new([vec![1; 32], vec![1; 5]]).err(), Some(WeakKey));
        assert_eq!(Keys::new([]).err(), Some(WeakKey));
        assert_eq!(format!("{:?}", keys(b"12")), "Keys(2)");
    }
}
