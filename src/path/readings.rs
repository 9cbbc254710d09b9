use super::steps::{STEPS, decode, decode_letters};

/// All that a server may take a path for.
#[derive(Debug)]
pub(crate) struct Readings {
    all: Vec<String>,
    /// Of all together.
    bytes: usize,
    certainty: Certainty,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Certainty {
    /// There is no other reading.
    Whole,
    /// Some servers read what stands there in ways of their own: bytes that are no UTF-8, a percent
    /// sign that begins no triplet, control characters.
    Guessed,
    /// The limit is above what any real path has.
    Cut,
}

/// An honest path has a handful of readings; the bounds keep a hostile one cheap.
const MOST: usize = 64;
const MOST_BYTES: usize = 64 * 1024;

impl Readings {
    pub(crate) fn of(path: &str) -> Self {
        let decoded = decode_letters(path);
        let mut readings = Self {
            certainty: match decoded.is_well_formed && decoded.is_utf_8 {
                true => Certainty::Whole,
                false => Certainty::Guessed,
            },
            bytes: decoded.text.len(),
            all: vec![decoded.text],
        };
        readings.complete();
        readings
    }

    /// The reading that all servers have in common: the path, decoded once, where that gives
    /// letters. The first of [`iter`](Self::iter).
    #[cfg(feature = "proxy")]
    pub(crate) fn common(&self) -> &str {
        &self.all[0]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(String::as_str)
    }

    /// Tells whether these are all the readings that there are.
    pub(crate) fn are_certain(&self) -> bool {
        self.certainty == Certainty::Whole
    }

    /// Tells whether these are at least all the readings that are known to us.
    pub(crate) fn are_known(&self) -> bool {
        self.certainty != Certainty::Cut
    }

    /// Takes every step from every reading until there is nothing new.
    fn complete(&mut self) {
        let mut at = 0;
        while at < self.all.len() && self.are_known() {
            let decoded = decode(&self.all[at]);
            if self.all[at].contains(char::is_control)
                || decoded.as_ref().is_some_and(|d| !d.is_utf_8)
            {
                self.certainty = Certainty::Guessed;
            }
            if let Some(decoded) = decoded {
                self.add(Some(decode_letters(&self.all[at]).text));
                self.add(Some(decoded.text));
            }
            for step in STEPS {
                self.add(step(&self.all[at]));
            }
            at += 1;
        }
    }

    fn add(&mut self, reading: Option<String>) {
        let is_new = |reading: &String| self.are_known() && !self.all.contains(reading);
        let Some(reading) = reading.filter(is_new) else {
            return;
        };
        self.bytes += reading.len();
        self.all.push(reading);
        if self.all.len() > MOST || self.bytes > MOST_BYTES {
            self.certainty = Certainty::Cut;
        }
    }
}
