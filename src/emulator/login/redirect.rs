//! Where the web flow leads back to.
use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use http::{Response, StatusCode, Uri};
use http_body_util::Full;

use crate::emulator::api::reply::set;
use crate::emulator::world::App;

/// The request names a place that is not the app's.
pub(super) struct Mismatch;

/// Returns the app's own place.
pub(super) fn registered(app: &App) -> &str {
    app.callback_url.as_deref().unwrap_or(&app.url)
}

/// Returns the place a request asks for, if the app's callback URL covers it.
pub(super) fn target(app: &App, asked: Option<&str>) -> Result<String, Mismatch> {
    let Some(asked) = asked else {
        return Ok(registered(app).to_owned());
    };
    let covered = match &app.callback_url {
        // A world that names no callback URL lets the web flow lead anywhere.
        None => asked.contains("://"),
        Some(callback_url) => covers(callback_url, asked),
    };
    // What is no URL cannot stand in a header.
    let is_url = asked.bytes().all(|byte| byte.is_ascii_graphic());
    (covered && is_url)
        .then(|| asked.to_owned())
        .ok_or(Mismatch)
}

/// Sends the browser to a place with these parameters added to its query.
pub(super) fn redirect(place: &str, parameters: &[(&str, &str)]) -> Response<Full<Bytes>> {
    let (place, _) = place.split_once('#').unwrap_or((place, ""));
    let separator = if place.contains('?') { '&' } else { '?' };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters);
    let location = format!("{place}{separator}{}", query.finish());
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    set(headers, LOCATION, &location);
    response
}

/// Says whether a callback URL covers another: same host and port, and the same path or one below.
///
/// On a loopback address the port is free, for a native app takes the one it gets.
fn covers(callback_url: &str, asked: &str) -> bool {
    if callback_url == asked {
        return true;
    }
    let (Ok(own), Ok(asked)) = (callback_url.parse::<Uri>(), asked.parse::<Uri>()) else {
        return false;
    };
    let loopback = matches!(own.host(), Some("127.0.0.1" | "[::1]"));
    let below = asked
        .path()
        .strip_prefix(own.path().trim_end_matches('/'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    own.scheme() == asked.scheme()
        && own.host() == asked.host()
        && (loopback || own.port_u16() == asked.port_u16())
        && below
        && !asked.path().contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callback_url_covers_its_own_host_port_and_paths_below() {
        let own = "http://example.com/path";
        for covered in [own, "http://example.com/path/subdir/other?x=1"] {
            assert!(covers(own, covered), "{covered}");
        }
        for other in [
            "http://example.com/bar",
            "http://example.com/pathology",
            "http://example.com/path/../bar",
            "http://example.com:8080/path",
            "http://oauth.example.com/path",
            "https://example.com/path",
            "http://example.org/path",
            "not a url",
        ] {
            assert!(!covers(own, other), "{other}");
        }
    }

    #[test]
    fn port_is_free_on_loopback() {
        assert!(covers("http://127.0.0.1/cb", "http://127.0.0.1:1234/cb"));
        assert!(covers("http://[::1]/cb", "http://[::1]:1234/cb"));
        assert!(!covers("http://127.0.0.1/cb", "http://127.0.0.2:1234/cb"));
    }
}
