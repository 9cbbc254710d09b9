use http::request::Builder;
use http::{Method, Uri};

use super::*;
use RejectionKind::{
    ExpectationFailed, HeaderFieldsTooLarge, InvalidRequest, LoopDetected, NotImplemented,
    UriTooLong,
};

/// A request as HTTP/1.1 parses this request line and these fields; one `Host` is added unless the
/// fields have one.
fn h1(line: &str, fields: &[(&str, &str)]) -> Request<()> {
    let (method, target) = line.split_once(' ').unwrap();
    let request = Request::builder().method(method).uri(target);
    let has_host = fields.iter().any(|(name, _)| *name == "host");
    let host = ("host", "tools.example.com");
    build(request, fields.iter().chain((!has_host).then_some(&host)))
}

/// A request as h2 parses these pseudo-fields and fields.
fn h2(method: &str, authority: Option<&str>, path: &str, fields: &[(&str, &str)]) -> Request<()> {
    let mut uri = Uri::builder().path_and_query(path);
    if let Some(authority) = authority {
        uri = uri.scheme("http").authority(authority);
    }
    let request = Request::builder().method(method).uri(uri.build().unwrap());
    build(request.version(Version::HTTP_2), fields.iter())
}

fn build<'f>(
    request: Builder,
    fields: impl Iterator<Item = &'f (&'f str, &'f str)>,
) -> Request<()> {
    let with_field = |request: Builder, (name, value): &(&str, &str)| {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        request.header(*name, value)
    };
    fields.fold(request, with_field).body(()).unwrap()
}

#[track_caller]
fn assert_onward(request: &Request<()>, host: &str) {
    match request_gate(request, &Limits::default()) {
        Ok(Recipient::Upstream(forwardable)) => assert_eq!(forwardable.host.expect("a host"), host),
        other => panic!("{other:?}: {request:?}"),
    }
}

#[track_caller]
fn assert_refused(request: &Request<()>, kind: RejectionKind) {
    assert_eq!(
        request_gate(request, &Limits::default()),
        Err(kind),
        "{request:?}"
    );
}

#[test]
fn an_ordinary_request_passes() {
    assert_onward(&h1("GET /a/b.c?q=../x//y;z", &[]), "tools.example.com");
    for fields in [
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "Chunked"),
        ("content-length", "0005"),
        ("expect", "100-Continue"),
        ("connection", "\u{ff}"),
        ("x", "\u{e9}"),
    ] {
        assert_onward(&h1("POST /", &[fields]), "tools.example.com");
    }
    assert_onward(&h1("BREW /pot", &[]), "tools.example.com");
    assert_onward(&h2("GET", Some("a:1"), "/", &[("te", "trailers")]), "a:1");
}

#[test]
fn tunnels_and_echoes_are_never_forwarded_in_any_case() {
    for method in ["CONNECT", "TRACE", "TRACK", "PRI", "trace", "Connect"] {
        assert_refused(&h1(&format!("{method} /"), &[]), NotImplemented);
        assert_refused(&h2(method, Some("a"), "/", &[]), NotImplemented);
    }
    assert_refused(&h1("CONNECT evil:80", &[]), NotImplemented);
}

#[test]
fn a_websocket_is_the_one_tunnel_that_is_opened() {
    let connect = |method, protocol, path| {
        let mut request = h2(method, Some("a"), path, &[]);
        let protocol = hyper::ext::Protocol::from_static(protocol);
        request.extensions_mut().insert(protocol);
        request
    };
    assert_onward(&connect("CONNECT", "websocket", "/chat?x"), "a");
    for protocol in ["WebSocket", "connect-udp", ""] {
        assert_refused(&connect("CONNECT", protocol, "/"), NotImplemented);
    }
    assert_refused(&connect("connect", "websocket", "/"), NotImplemented);
    assert_refused(&connect("CONNECT", "websocket", "*"), InvalidRequest);
}

#[test]
fn the_absolute_form_replaces_the_host() {
    for (target, host) in [
        ("http://a/p", "a"),
        ("https://A.b:1/p?q", "A.b:1"),
        ("http://[::1]", "[::1]"),
    ] {
        assert_onward(&h1(&format!("GET {target}"), &[("host", "b")]), host);
    }
    for target in [
        "http://u:p@a/p",
        "http://u@a/p",
        "ftp://a/p",
        "http://a:99999/p",
        "http://a;b/p",
        "javascript://a/p",
    ] {
        assert_refused(&h1(&format!("GET {target}"), &[]), InvalidRequest);
    }
    for fields in [&[("host", "a"), ("host", "a")][..], &[("host", "u@a")]] {
        assert_refused(&h1("GET http://a/p", fields), InvalidRequest);
    }
    let without_host = Request::get("http://a/p").body(()).unwrap();
    assert_refused(&without_host, InvalidRequest);
}

#[test]
fn a_target_is_a_path() {
    for target in ["p", "evil:80", "*"] {
        assert_refused(&h1(&format!("GET {target}"), &[]), InvalidRequest);
    }
    assert_refused(&h2("GET", Some("a"), "*", &[]), InvalidRequest);
}

#[test]
fn what_is_about_the_server_is_answered_here() {
    for request in [
        h1("OPTIONS *", &[]),
        h2("OPTIONS", Some("a"), "*", &[]),
        h1("OPTIONS /a", &[("max-forwards", "0")]),
    ] {
        assert_eq!(
            request_gate(&request, &Limits::default()),
            Ok(Recipient::ThisServer),
            "{request:?}"
        );
    }
    assert_refused(&h1("OPTIONS *", &[("host", "a b")]), InvalidRequest);
}

#[test]
fn every_proxy_on_the_way_counts() {
    let hops = |method, told| match request_gate(
        &h1(method, &[("max-forwards", told)]),
        &Limits::default(),
    ) {
        Ok(Recipient::Upstream(forwardable)) => forwardable.max_forwards,
        other => panic!("{other:?}"),
    };
    assert_eq!(hops("OPTIONS /a", "10"), Some(9));
    assert_eq!(hops("OPTIONS /a", "1"), Some(0));
    assert_eq!(hops("GET /a", "0"), None);
    assert_eq!(hops("GET /a", "nonsense"), None);
    for told in ["-1", "", "1, 2", "18446744073709551616"] {
        assert_refused(&h1("OPTIONS /a", &[("max-forwards", told)]), InvalidRequest);
    }
}

#[test]
fn there_is_exactly_one_host() {
    let without = Request::get("/").body(()).unwrap();
    assert_refused(&without, InvalidRequest);
    for hosts in [&["a", "b"][..], &["a", "a"]] {
        let hosts: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        assert_refused(&h1("GET /", &hosts), InvalidRequest);
    }
    for host in [
        "", " ", "u:p@a", "a/../b@c", "a b", "a,b", "a;for=x", "a=b", "\"a\"", "a:99999", "a:0",
        "[::1", "[zz]", "a#b", "a?b", "a/b", "a\\b", "\u{e9}", "*",
    ] {
        assert_refused(&h1("GET /", &[("host", host)]), InvalidRequest);
    }
}

#[test]
fn http_1_0_need_not_say_it() {
    let old = |target: &str, hosts: &[&str]| {
        let request = Request::get(target).version(Version::HTTP_10);
        let request = hosts
            .iter()
            .fold(request, |r, host| r.header("host", *host));
        request.body(()).unwrap()
    };
    let host = |request: &Request<()>| match request_gate(request, &Limits::default()) {
        Ok(Recipient::Upstream(forwardable)) => forwardable.host,
        other => panic!("{other:?}"),
    };
    assert_eq!(host(&old("/", &[])), None);
    assert_eq!(host(&old("/", &["a"])).unwrap(), "a");
    assert_eq!(host(&old("http://b/", &["a"])).unwrap(), "b");
    assert_eq!(host(&old("http://b/", &[])).unwrap(), "b");
    for hosts in [&[""][..], &["a", "a"], &["u@a"]] {
        assert_refused(&old("/", hosts), InvalidRequest);
    }
}

#[test]
fn in_http_2_host_and_authority_are_the_same() {
    assert_onward(&h2("GET", None, "/", &[("host", "b")]), "b");
    assert_onward(&h2("GET", Some("a"), "/", &[("host", "A")]), "a");
    assert_refused(&h2("GET", None, "/", &[]), InvalidRequest);
    for hosts in [&["b"][..], &["a:80"], &["a", "a"], &["", "a"]] {
        let hosts: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
        assert_refused(&h2("GET", Some("a"), "/", &hosts), InvalidRequest);
    }
    for authority in ["u:p@a", "a:99999", "a;b"] {
        assert_refused(&h2("GET", Some(authority), "/", &[]), InvalidRequest);
    }
    let mut strange = h2("GET", Some("a"), "/", &[]);
    *strange.uri_mut() = Uri::from_static("javascript://a/");
    assert_refused(&strange, InvalidRequest);
}

#[test]
fn a_length_is_told_once() {
    for (codings, kind) in [
        (&["gzip, chunked"][..], NotImplemented),
        (&["gzip,deflate , Chunked"], NotImplemented),
        (&["chunked, chunked"], InvalidRequest),
        (&["chunked, gzip, chunked"], InvalidRequest),
        (&["chunked", "chunked"], InvalidRequest),
        (&["chunked, identity"], InvalidRequest),
        (&["identity"], InvalidRequest),
        (&["xchunked"], InvalidRequest),
        (&[""], InvalidRequest),
        (&["chunked,"], InvalidRequest),
    ] {
        let fields: Vec<_> = codings.iter().map(|c| ("transfer-encoding", *c)).collect();
        assert_refused(&h1("POST /", &fields), kind);
    }
    for lengths in [
        &["5", "6"][..],
        &["+5"],
        &["-5"],
        &["0x5"],
        &[""],
        &["5, 5"],
        &["5 5"],
        &["\u{ff}"],
    ] {
        let fields: Vec<_> = lengths.iter().map(|l| ("content-length", *l)).collect();
        assert_refused(&h1("POST /", &fields), InvalidRequest);
    }
    let both = [("transfer-encoding", "chunked"), ("content-length", "5")];
    assert_refused(&h1("POST /", &both), InvalidRequest);
    let mut old = h1("POST /", &both[..1]);
    *old.version_mut() = Version::HTTP_10;
    assert_refused(&old, InvalidRequest);
    let same = [("content-length", "5"), ("content-length", "05")];
    assert_onward(&h1("POST /", &same), "tools.example.com");
}

#[test]
fn one_expectation_is_known() {
    for lines in [
        &["200-ok"][..],
        &[""],
        &["100-continue, x"],
        &["100-continue", "x"],
        &["y 100-continue"],
    ] {
        let fields: Vec<_> = lines.iter().map(|line| ("expect", *line)).collect();
        assert_refused(&h1("POST /", &fields), ExpectationFailed);
        assert_refused(&h2("POST", Some("a"), "/", &fields), ExpectationFailed);
    }
    let mut old = h1("POST /", &[("expect", "anything")]);
    *old.version_mut() = Version::HTTP_10;
    assert_onward(&old, "tools.example.com");
}

#[test]
fn http_2_has_no_fields_of_a_connection_and_no_outer_blanks() {
    for field in [
        ("connection", "close"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "close"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("te", "gzip"),
        ("te", "trailers, gzip"),
        ("authorization", " Bearer t"),
        ("authorization", "Bearer t "),
        ("x", "\ta"),
        ("x", "a\t"),
    ] {
        assert_refused(&h2("GET", Some("a"), "/", &[field]), InvalidRequest);
    }
}

#[test]
fn a_head_has_its_limits() {
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    assert_onward(
        &h1(&format!("GET {}", path(8192)), &[]),
        "tools.example.com",
    );
    assert_refused(&h1(&format!("GET {}", path(8193)), &[]), UriTooLong);
    assert_onward(&h2("GET", Some("a"), &path(8192), &[]), "a");
    assert_refused(&h2("GET", Some("a"), &path(8193), &[]), UriTooLong);
    assert_refused(&h1(&format!("GET http://a{}", path(8192)), &[]), UriTooLong);
    let many = vec![("x", ""); 99];
    assert_onward(&h1("GET /", &many), "tools.example.com");
    let too_many = vec![("x", ""); 100];
    assert_refused(&h1("GET /", &too_many), HeaderFieldsTooLarge);
    let long = "a".repeat(32 * 1024);
    assert_refused(&h1("GET /", &[("x", &long)]), HeaderFieldsTooLarge);
    assert_refused(
        &h2("GET", Some("a"), "/", &[("x", &long)]),
        HeaderFieldsTooLarge,
    );
}

/// A browser sends each of its cookies in a field of its own.
#[test]
fn crumbs_of_one_cookie_are_one_field() {
    let crumbs = |count, value: &'static str| vec![("cookie", value); count];
    for crumbs in [
        crumbs(90, "name=value"),
        crumbs(180, "name=value"),
        crumbs(3_000, "abcdef=g"),
    ] {
        let fields: Vec<_> = [("x", ""); 20].into_iter().chain(crumbs).collect();
        assert_onward(&h2("GET", Some("a"), "/", &fields), "a");
    }
    let too_long = crumbs(3_300, "abcdef=g");
    let refused = h2("GET", Some("a"), "/", &too_long);
    assert_refused(&refused, HeaderFieldsTooLarge);
    // HTTP/1 knows no crumbs (RFC 6265 §5.4).
    assert_refused(&h1("GET /", &crumbs(100, "a=b")), HeaderFieldsTooLarge);
}

/// A head that is just short enough in HTTP/1.1 is short enough in HTTP/2.
#[test]
fn a_head_is_as_long_in_either_protocol() {
    let line = "GET / HTTP/1.1\r\nhost: a\r\nx: \r\ncookie: a=b; c=d\r\n\r\n".len();
    for (more, is_onward) in [(0, true), (1, false)] {
        let value = "y".repeat(32 * 1024 - line + more);
        let apart = [("x", &*value), ("cookie", "a=b"), ("cookie", "c=d")];
        let whole = [("host", "a"), ("x", &*value), ("cookie", "a=b; c=d")];
        for request in [h1("GET /", &whole), h2("GET", Some("a"), "/", &apart)] {
            let passes = request_gate(&request, &Limits::default()).is_ok();
            assert_eq!(passes, is_onward, "{more} {:?}", request.version());
        }
    }
}

/// HTTP/2 is not counted while it is parsed, so the gate has to know the limits as well.
#[test]
fn a_head_has_the_limits_of_the_configuration() {
    let of = |fields, bytes| Limits {
        head_fields: std::num::NonZeroU32::new(fields).unwrap(),
        head_bytes: std::num::NonZeroU32::new(bytes).unwrap(),
        ..Limits::default()
    };
    let (fields, value) = (vec![("x", ""); 21], "a".repeat(9_000));
    let (many, long) = (
        h2("GET", Some("a"), "/", &fields),
        h2("GET", Some("a"), "/", &[("x", &value)]),
    );
    for (request, limits) in [(&many, of(20, 32 * 1024)), (&long, of(100, 8 * 1024))] {
        assert!(request_gate(request, &Limits::default()).is_ok());
        let refused = request_gate(request, &limits);
        assert_eq!(refused, Err(HeaderFieldsTooLarge));
    }
    let long = h2("GET", Some("a"), &format!("/{value}"), &[]);
    assert_eq!(request_gate(&long, &Limits::default()), Err(UriTooLong));
    let limits = Limits {
        target_bytes: std::num::NonZeroU32::new(9_001).unwrap(),
        ..Limits::default()
    };
    assert!(request_gate(&long, &limits).is_ok());
}

#[test]
fn a_circle_ends() {
    let twice = [
        ("via", "1.1 ghes-gatekeeper, 1.1 x"),
        ("via", "1.1 ghes-gatekeeper"),
    ];
    assert_refused(&h1("GET /", &twice), LoopDetected);
    assert_onward(&h1("GET /", &twice[..1]), "tools.example.com");
}

#[test]
fn methods_pass_as_they_are() {
    let get: Method = "get".parse().unwrap();
    assert_onward(&h1("get /", &[]), "tools.example.com");
    assert_ne!(get, Method::GET);
}
