use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Uri};
use http_body::Body as _;

use crate::upstream::upload::Upload;

/// A copy of a request that may be sent twice.
///
/// Few requests are, so the copy has to be cheap. The fields are kept as one piece of text, where a
/// copy of a `HeaderMap` takes an allocation for each value of ours.
pub(in crate::upstream) struct Spare {
    method: Method,
    uri: Uri,
    /// With the `Host` for the upstream, if it is not the upstream's own.
    fields: Fields,
}

/// Names and values in sequence, each field after the lengths of both.
struct Fields(Vec<u8>);

impl Spare {
    /// Copies a request, if sending it twice can do no harm (RFC 9110 §9.2.2).
    pub(in crate::upstream) fn of(request: &Request<Upload>) -> Option<Self> {
        if !request.method().is_idempotent() || !request.body().is_end_stream() {
            return None;
        }
        Some(Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            fields: Fields::of(request.headers(), request.body().host()),
        })
    }

    pub(in crate::upstream) fn into_request(self) -> Request<Upload> {
        let mut headers = self.fields.to_headers();
        let mut request = Request::new(Upload::empty(headers.remove(HOST)));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.headers_mut() = headers;
        request
    }
}

impl Fields {
    fn of(headers: &HeaderMap, host: Option<&HeaderValue>) -> Self {
        let mut text = Vec::with_capacity(USUAL_BYTES);
        let host = host.map(|host| (&HOST, host));
        for (name, value) in headers.iter().chain(host) {
            let name = name.as_str().as_bytes();
            text.push(u8::from(value.is_sensitive()));
            text.extend_from_slice(&name.len().to_ne_bytes());
            text.extend_from_slice(&value.len().to_ne_bytes());
            text.extend_from_slice(name);
            text.extend_from_slice(value.as_bytes());
        }
        Self(text)
    }

    fn to_headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut text = &self.0[..];
        while let Some((name, value, rest)) = next_field(text) {
            headers.append(name, value);
            text = rest;
        }
        headers
    }
}

/// Reads a field, and returns the rest of the text.
fn next_field(text: &[u8]) -> Option<(HeaderName, HeaderValue, &[u8])> {
    let (is_sensitive, text) = text.split_first()?;
    let (name_bytes, text) = text.split_first_chunk()?;
    let (value_bytes, text) = text.split_first_chunk()?;
    let (name, text) = text.split_at_checked(usize::from_ne_bytes(*name_bytes))?;
    let (value, text) = text.split_at_checked(usize::from_ne_bytes(*value_bytes))?;
    let mut value = HeaderValue::from_bytes(value).ok()?;
    value.set_sensitive(*is_sensitive == 1);
    Some((HeaderName::from_bytes(name).ok()?, value, text))
}

/// The size of a browser's request and our additions.
const USUAL_BYTES: usize = 1000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(method: Method, body: Upload) -> Request<Upload> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        request
    }

    #[test]
    fn what_could_do_harm_twice_is_not_copied() {
        let is_copied = |method| Spare::of(&request(method, Upload::EMPTY)).is_some();
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
            assert!(is_copied(method));
        }
        for method in [Method::POST, Method::PATCH, Method::CONNECT] {
            assert!(!is_copied(method));
        }
    }

    prop_compose! {
        fn field()(
            name in "[a-z][a-z0-9_.-]{0,20}",
            value in prop::collection::vec(prop_oneof![b' '..=b'~', 0x80..=0xff_u8], 0..50),
            is_sensitive in any::<bool>(),
        ) -> (HeaderName, HeaderValue) {
            let mut value = HeaderValue::from_bytes(&value).unwrap();
            value.set_sensitive(is_sensitive);
            (name.parse().unwrap(), value)
        }
    }

    proptest! {
        #[test]
        fn a_copy_is_the_same_request(fields in prop::collection::vec(field(), 0..20)) {
            let host = HeaderValue::from_static("tools.example.com");
            let mut original = request(Method::PUT, Upload::empty(Some(host.clone())));
            *original.uri_mut() = Uri::from_static("/a%20b?c=d");
            for (name, value) in fields {
                original.headers_mut().append(name, value);
            }
            let copy = Spare::of(&original).unwrap().into_request();
            prop_assert_eq!(copy.method(), original.method());
            prop_assert_eq!(copy.uri(), original.uri());
            prop_assert_eq!(copy.headers(), original.headers());
            prop_assert_eq!(copy.body().host(), Some(&host));
            for (copied, value) in copy.headers().values().zip(original.headers().values()) {
                prop_assert_eq!(copied.is_sensitive(), value.is_sensitive());
            }
        }
    }
}
