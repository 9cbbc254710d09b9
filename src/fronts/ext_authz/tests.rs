use http::header::HOST;
use prost::Message as _;

use super::messages::{Address, HeaderMap as Lines, HeaderValue as Line, Request, SocketAddress};
use super::*;

fn request(http: HttpRequest, source: &str) -> CheckRequest {
    let socket_address = Some(SocketAddress {
        address: source.to_owned(),
    });
    let address = Some(Address { socket_address });
    let source = (!source.is_empty()).then_some(Peer { address });
    let request = Some(Request { http: Some(http) });
    let attributes = Some(AttributeContext { source, request });
    let asked = CheckRequest { attributes };
    // As it comes.
    CheckRequest::decode(&*asked.encode_to_vec()).unwrap()
}

fn http() -> HttpRequest {
    let headers = [
        (":authority", "tools.example.com"),
        (":path", "/a?b=c"),
        ("authorization", "Bearer gho_x"),
        ("x-forwarded-for", "192.0.2.1"),
        ("x-forwarded-host", "evil.example.com"),
        ("content-length", "5"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    HttpRequest {
        method: "PUT".to_owned(),
        headers: headers.into_iter().collect(),
        path: "/a?b=c".to_owned(),
        host: "tools.example.com".to_owned(),
        scheme: "https".to_owned(),
        size: 0,
        header_map: None,
    }
}

fn ways(question: &Question) -> String {
    let lines = question.request.headers().get_all("x-forwarded-for").iter();
    let lines: Vec<_> = lines.map(|line| line.to_str().unwrap()).collect();
    lines.join(", ")
}

#[test]
fn a_request_is_what_its_client_sent() {
    let question = request(http(), "").question().unwrap();
    let request = question.request;
    assert!(question.has_method && request.method() == Method::PUT);
    assert_eq!(request.uri(), "/a?b=c");
    let headers = request.headers();
    assert_eq!(headers[HOST], "tools.example.com");
    assert_eq!(headers["authorization"], "Bearer gho_x");
    assert_eq!(headers["x-forwarded-proto"], "https");
    for name in ["x-forwarded-host", "content-length"] {
        assert!(!headers.contains_key(name), "{name}");
    }
}

#[test]
fn raw_lines_are_read_and_stay_apart() {
    let line = |key: &str, value: &str, raw: &[u8]| Line {
        key: key.to_owned(),
        value: value.to_owned(),
        raw_value: raw.to_vec(),
    };
    let lines = vec![
        line(":method", "", b"PUT"),
        line("authorization", "", b"Bearer gho_x"),
        line("authorization", "", b"Bearer gho_y"),
        line("x-a", "b", b""),
        line("x-raw", "", b"\xff"),
    ];
    let http = HttpRequest {
        headers: Default::default(),
        header_map: Some(Lines { headers: lines }),
        ..http()
    };
    let headers = request(http, "").question().unwrap().request;
    let headers = headers.headers();
    assert_eq!(headers.get_all("authorization").iter().count(), 2);
    assert_eq!(headers["x-a"], "b");
    assert_eq!(headers["x-raw"].as_bytes(), b"\xff");
}

#[test]
fn of_two_forms_of_the_lines_neither_is_read() {
    for key in ["authorization", "x-a", ":path"] {
        let line = Line {
            key: key.to_owned(),
            value: "b".to_owned(),
            raw_value: Vec::new(),
        };
        let headers = vec![line];
        let both = HttpRequest {
            header_map: Some(Lines { headers }),
            ..http()
        };
        assert!(request(both, "").question().is_none(), "{key}");
    }
}

#[test]
fn a_body_is_seen_by_its_size_or_its_length() {
    for (size, length, expected) in [
        (0, "0", false),
        (-1, "", false),
        (5, "", true),
        (5, "0", true),
        (0, "5", true),
        (-1, "5", true),
    ] {
        let mut http = HttpRequest { size, ..http() };
        let line = ("content-length".to_owned(), length.to_owned());
        http.headers.extend([line]);
        let question = request(http, "").question().unwrap();
        assert_eq!(question.has_body, expected, "{size} {length}");
    }
    let mut chunked = http();
    chunked.headers.remove("content-length");
    chunked
        .headers
        .insert("transfer-encoding".to_owned(), "chunked".to_owned());
    assert!(request(chunked, "").question().unwrap().has_body);
}

#[test]
fn nothing_of_a_message_is_shown() {
    let asked = request(http(), "192.0.2.1");
    let attributes = asked.attributes.as_ref().unwrap();
    let http = attributes.request.as_ref().unwrap().http.as_ref().unwrap();
    let mut told = HeaderMap::new();
    told.insert("authorization", HeaderValue::from_static("Bearer gho_x"));
    let admitted = CheckResponse::admitted(&told, &[]);
    let denied = CheckResponse::denied(&Response::new("gho_x"));
    let question = asked.clone().question().unwrap();
    for shown in [
        format!("{asked:?}"),
        format!("{attributes:?}"),
        format!("{http:?}"),
        format!("{admitted:?} {:?}", admitted.http_response),
        format!("{denied:?} {:?}", denied.http_response),
        format!("{question:?}"),
    ] {
        assert!(!shown.contains("gho_x"), "{shown}");
    }
}

#[test]
fn the_peer_of_envoy_is_the_last_that_is_told() {
    for (told, source, expected) in [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("192.0.2.9, 192.0.2.1", "192.0.2.1", "192.0.2.9, 192.0.2.1"),
        ("192.0.2.1", "192.0.2.2", "192.0.2.1, 192.0.2.2"),
        (
            "192.0.2.2, 192.0.2.1",
            "192.0.2.2",
            "192.0.2.2, 192.0.2.1, 192.0.2.2",
        ),
        ("", "192.0.2.2", ", 192.0.2.2"),
    ] {
        let mut http = http();
        http.headers
            .insert("x-forwarded-for".to_owned(), told.to_owned());
        let question = request(http, source).question().unwrap();
        assert_eq!(ways(&question), expected);
    }
}

#[test]
fn what_is_no_request_is_no_question() {
    assert!(CheckRequest::default().question().is_none());
    let changed = |change: fn(&mut HttpRequest)| {
        let mut http = http();
        change(&mut http);
        request(http, "").question()
    };
    assert!(changed(|_| ()).is_some());
    assert!(changed(|http| http.method.clear()).is_none());
    assert!(changed(|http| http.method = "G T".to_owned()).is_none());
    assert!(changed(|http| http.path.clear()).is_none());
    assert!(changed(|http| http.path = "*".to_owned()).is_none());
    assert!(changed(|http| http.path = "/a#b".to_owned()).is_none());
    assert!(changed(|http| http.path = "https://tools.example.com/".to_owned()).is_none());
    assert!(changed(|http| http.host = "a\nb".to_owned()).is_none());
    let bad = |http: &mut HttpRequest| drop(http.headers.insert("a b".into(), "c".into()));
    assert!(changed(bad).is_none());
    let bad = |http: &mut HttpRequest| drop(http.headers.insert("a".into(), "b\nc".into()));
    assert!(changed(bad).is_none());
}

#[test]
fn what_is_empty_is_removed_and_the_rest_is_set() {
    let told = [("x-a", "b"), ("x-empty", "")];
    let told = told.map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    let removed = [HeaderName::from_static("x_a")];
    let answer = CheckResponse::admitted(&told.into_iter().collect(), &removed);
    assert_eq!(answer.status, Some(Status { code: 0 }));
    let Some(HttpResponse::Ok(answer)) = answer.http_response else {
        panic!("{answer:?}");
    };
    assert_eq!(answer.headers_to_remove, ["x_a", "x-empty"]);
    let [only] = &answer.headers[..] else {
        panic!("{answer:?}");
    };
    let header = only.header.as_ref().unwrap();
    assert_eq!((&*header.key, &*header.value), ("x-a", "b"));
    assert_eq!(only.append_action, 2);
}

/// As two challenges are.
#[test]
fn the_lines_of_one_name_replace_those_before_and_stay_apart() {
    let response = Response::builder()
        .status(401)
        .header("www-authenticate", "Bearer")
        .header("cache-control", "no-store")
        .header("www-authenticate", "Basic");
    let answer = CheckResponse::denied(&response.body("").unwrap());
    let Some(HttpResponse::Denied(denied)) = answer.http_response else {
        panic!("{answer:?}");
    };
    let challenges = denied.headers.iter().filter_map(|option| {
        let header = option.header.as_ref()?;
        let is_challenge = header.key == "www-authenticate";
        is_challenge.then_some((&*header.value, option.append_action))
    });
    assert!(challenges.eq([("Bearer", 2), ("Basic", 0)]));
    assert!(
        denied
            .headers
            .iter()
            .filter(|option| option.append_action == 2)
            .count()
            == 2
    );
}

#[test]
fn a_denial_is_never_ok() {
    for (status, code) in [
        (401, 16),
        (400, 7),
        (403, 7),
        (404, 7),
        (429, 7),
        (503, 7),
        (200, 7),
    ] {
        let response = Response::builder()
            .status(status)
            .header("retry-after", "5");
        let answer = CheckResponse::denied(&response.body("why").unwrap());
        assert_eq!(answer.status, Some(Status { code }), "{status}");
        let Some(HttpResponse::Denied(denied)) = answer.http_response else {
            panic!("{answer:?}");
        };
        assert_eq!(
            denied.status,
            Some(HttpStatus {
                code: status.into()
            })
        );
        assert_eq!(denied.body, "why");
        assert_eq!(denied.headers.len(), 1);
    }
}
