//! How a path is read: by us, and by the servers behind us.
//!
//! A server decodes a path before it looks at it, so `/%61dmin` is `/admin` to all of them, and to
//! us. Beyond that they differ: some take `%2F` for a slash, decode twice, merge slashes, resolve
//! dot segments, cut parameters off, or drop what a file system drops. A path that none of this
//! changes is plain and has one reading. Of any other we make all [`Readings`], and nothing may
//! depend on which of them a server has.
//!
//! Paths are compared with regard to case (RFC 3986 §6.2.2.1).

mod named;
mod readings;
mod steps;

pub(crate) use self::named::{InvalidPath, NamedPath};
pub(crate) use self::readings::Readings;

/// A quick test that most paths pass: every reading is the path itself. It has only letters that no
/// server decodes or gives another meaning (RFC 3986 §3.3), and only segments that are not empty
/// and do not end in a dot.
pub(crate) fn is_plain(path: &str) -> bool {
    let mut before = 0;
    for &b in path.as_bytes() {
        let follows = match b {
            b'/' => !matches!(before, b'/' | b'.'),
            // A stream of a file on NTFS, which Windows reads as the file.
            b':' | b'$' => before != b':',
            _ => IS_PLAIN[usize::from(b)],
        };
        if !follows {
            return false;
        }
        before = b;
    }
    before != b'.'
}

/// By byte, as every byte of every path is looked up here.
static IS_PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 128 {
        let byte = b as u8;
        table[b] = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'-' | b'.'
                    | b'_'
                    | b'~'
                    | b'!'
                    | b'&'
                    | b'\''
                    | b'('
                    | b')'
                    | b'*'
                    | b'+'
                    | b','
                    | b'='
                    | b'@'
            );
        b += 1;
    }
    table
};

#[cfg(test)]
mod tests;
