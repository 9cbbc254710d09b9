use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

use crate::rejection::RejectionKind;

/// The fields of a request that the gate reads.
///
/// They are found in one pass over all fields, which have to be counted anyway: most requests have
/// one of them, and each look-up by a name hashes it.
#[derive(Debug, Default)]
pub(super) struct Told<'h> {
    /// The number of fields.
    pub(super) fields: usize,
    /// The size of all fields, as lines of HTTP/1.
    pub(super) bytes: usize,
    cookie: Field<'h>,
    pub(super) content_length: Field<'h>,
    pub(super) expect: Field<'h>,
    pub(super) host: Field<'h>,
    pub(super) max_forwards: Field<'h>,
    pub(super) transfer_encoding: Field<'h>,
    pub(super) via: Field<'h>,
}

/// The lines of one field.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Field<'h> {
    first: Option<&'h HeaderValue>,
    is_repeated: bool,
}

impl<'h> Told<'h> {
    /// Reads fields; `in_crumbs` allows cookies in separate fields.
    pub(super) fn by(headers: &'h HeaderMap, in_crumbs: bool) -> Self {
        let mut told = Self::default();
        for (name, line) in headers {
            let name = name.as_str();
            told.fields += 1;
            told.bytes += name.len() + line.len() + ": \r\n".len();
            if let Some(field) = told.field(name) {
                field.add(line);
            }
        }
        if in_crumbs && told.cookie.is_repeated {
            told.join(headers.get_all(COOKIE).iter().count());
        }
        told
    }

    /// Counts the crumbs of a cookie as the one field that they become (RFC 9113 §8.2.3).
    fn join(&mut self, crumbs: usize) {
        let joints = crumbs.saturating_sub(1);
        self.fields -= joints;
        self.bytes -= joints * ("cookie: \r\n".len() - "; ".len());
    }

    fn field(&mut self, name: &str) -> Option<&mut Field<'h>> {
        Some(match name {
            "content-length" => &mut self.content_length,
            "cookie" => &mut self.cookie,
            "expect" => &mut self.expect,
            "host" => &mut self.host,
            "max-forwards" => &mut self.max_forwards,
            "transfer-encoding" => &mut self.transfer_encoding,
            "via" => &mut self.via,
            _ => return None,
        })
    }
}

impl<'h> Field<'h> {
    fn add(&mut self, line: &'h HeaderValue) {
        self.is_repeated = self.first.is_some();
        self.first.get_or_insert(line);
    }

    pub(super) fn is_there(self) -> bool {
        self.first.is_some()
    }

    /// Returns the value of a field that may occur once.
    ///
    /// # Errors
    ///
    /// Returns an error if there are several lines of it.
    pub(super) fn only(self) -> Result<Option<&'h HeaderValue>, RejectionKind> {
        match self.is_repeated {
            true => Err(RejectionKind::InvalidRequest),
            false => Ok(self.first),
        }
    }
}
