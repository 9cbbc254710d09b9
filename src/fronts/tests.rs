use http::header::HOST;
use http::{HeaderMap, HeaderValue, Request};

use super::*;

const NGINX: [(&str, &str); 2] = [
    ("x-original-method", "PUT"),
    (
        "x-original-url",
        "https://tools.example.com:8443/a%2Fb/../c?d=/e",
    ),
];

const NGINX_IN_PARTS: [(&str, &str); 4] = [
    ("x-original-method", "PUT"),
    ("x-original-proto", "https"),
    ("x-original-host", "tools.example.com:8443"),
    ("x-original-uri", "/a%2Fb/../c?d=/e"),
];

const FORWARDED: [(&str, &str); 4] = [
    ("x-forwarded-method", "PUT"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "tools.example.com:8443"),
    ("x-forwarded-uri", "/a%2Fb/../c?d=/e"),
];

const SNIPPET: [(&str, &str); 2] = [
    ("host", "tools.example.com:8443"),
    ("x-forwarded-uri", "/a%2Fb/../c?d=/e"),
];

/// Each way to say the same.
fn dialects() -> [(Dialect, &'static [(&'static str, &'static str)]); 5] {
    [
        (Dialect::Nginx, &NGINX),
        (Dialect::Nginx, &NGINX_IN_PARTS),
        (Dialect::Traefik, &FORWARDED),
        (Dialect::Caddy, &FORWARDED),
        (Dialect::OAuth2Proxy, &SNIPPET),
    ]
}

fn question(
    dialect: Dialect,
    fields: &[(&'static str, &str)],
) -> Result<Question, RejectionDetail> {
    let mut asking = Request::get("/auth?x-original-url=/admin")
        .body(())
        .unwrap();
    let headers = asking.headers_mut();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_str(value).unwrap());
    }
    dialect.question(asking.into_parts().0)
}

#[test]
fn every_dialect_says_the_same_of_a_request() {
    for (dialect, fields) in dialects() {
        let fields = [
            fields,
            &[("authorization", "Bearer gho_x"), ("accept", "a/b")],
        ]
        .concat();
        let question = question(dialect, &fields).unwrap();
        let request = question.request;
        assert_eq!(request.uri(), "/a%2Fb/../c?d=/e", "{dialect}");
        let headers = request.headers();
        assert_eq!(headers[HOST], "tools.example.com:8443", "{dialect}");
        assert_eq!(headers["authorization"], "Bearer gho_x");
        assert_eq!(headers["accept"], "a/b");
        if dialect == Dialect::OAuth2Proxy {
            assert!(!question.has_method && request.method() == Method::GET);
        } else {
            assert!(question.has_method && request.method() == Method::PUT);
            assert_eq!(headers["x-forwarded-proto"], "https");
        }
    }
}

#[test]
fn envoy_asks_with_the_request_itself() {
    for (target, held) in [
        ("/auth/envoy/a%2Fb/../c?d=/e", "/a%2Fb/../c?d=/e"),
        ("/auth/envoy/", "/"),
        ("/auth/envoy//a", "//a"),
        ("/auth/envoy/auth/envoy/a", "/auth/envoy/a"),
    ] {
        let path = target.split('?').next().unwrap();
        assert_eq!(Dialect::of_path(path, None), Some(Dialect::Envoy));
        let asking = Request::put(target).header(HOST, "tools.example.com");
        let asking = asking.header("x-forwarded-uri", "/admin").body(()).unwrap();
        let question = Dialect::Envoy.question(asking.into_parts().0).unwrap();
        assert_eq!(question.request.uri(), held);
        assert_eq!(question.request.method(), Method::PUT);
        assert_eq!(question.request.headers()[HOST], "tools.example.com");
        assert!(!question.request.headers().contains_key("x-forwarded-uri"));
    }
    for path in [
        "/auth/envoy",
        "/auth/envoyx",
        "/auth",
        "/",
        "/auth/envoy%2Fa",
    ] {
        assert_eq!(Dialect::of_path(path, None), None, "{path}");
    }
}

#[test]
fn the_old_path_speaks_what_is_configured_or_nothing() {
    assert_eq!(Dialect::of_path("/oauth2/auth", None), None);
    for dialect in [Dialect::OAuth2Proxy, Dialect::Nginx, Dialect::Traefik] {
        let spoken = Dialect::of_path("/oauth2/auth", Some(dialect));
        assert_eq!(spoken, Some(dialect));
        assert_eq!(Dialect::of_path("/oauth2/auth/", Some(dialect)), None);
        assert_eq!(Dialect::of_path("/oauth2", Some(dialect)), None);
    }
}

#[test]
fn a_field_that_is_missing_or_there_twice_is_a_mistake() {
    for (dialect, fields) in dialects() {
        for at in 0..fields.len() {
            let mut without = fields.to_vec();
            let left_out = without.remove(at);
            assert!(
                question(dialect, &without).is_err(),
                "{dialect} {left_out:?}"
            );
            let twice = [fields, &[left_out]].concat();
            assert!(question(dialect, &twice).is_err(), "{dialect} {left_out:?}");
            let other = [fields, &[(left_out.0, "/admin")]].concat();
            assert!(question(dialect, &other).is_err(), "{dialect} {left_out:?}");
        }
    }
}

#[test]
fn a_value_that_cannot_be_is_a_mistake() {
    for (name, values) in [
        ("x-original-method", &["", "GET, PUT", "G T"][..]),
        ("x-forwarded-method", &["", "GET, PUT", "G T"]),
        ("x-forwarded-proto", &["", "ftp", "https,http", "HTTPS"]),
        ("x-original-proto", &["", "ftp", "https,http"]),
        ("x-forwarded-uri", TARGETS),
        ("x-original-uri", TARGETS),
        (
            "x-original-url",
            &[
                "",
                "/a",
                "https:///a",
                "https://tools.example.com",
                "https://tools.example.com?a",
                "ftp://tools.example.com/a",
                "https://tools.example.com/a#b",
                "https://tools.example.com/a b",
                "//tools.example.com/a",
                "tools.example.com/a",
            ],
        ),
    ] {
        for value in values {
            let mut asked = 0;
            for (dialect, fields) in dialects() {
                if !fields.iter().any(|(field, _)| *field == name) {
                    continue;
                }
                asked += 1;
                let fields = fields.iter();
                let fields = fields.map(|&(field, good)| match field == name {
                    true => (field, *value),
                    false => (field, good),
                });
                let fields: Vec<_> = fields.collect();
                let mistake = question(dialect, &fields).err();
                assert!(mistake.is_some(), "{dialect} {name}: {value:?}");
            }
            assert!(asked > 0, "{name}");
        }
    }
}

const TARGETS: &[&str] = &["", "*", "a", "/a#b", "/a b", "https://tools.example.com/a"];

/// Whichever were preferred, one of them could be the client's.
#[test]
fn the_two_forms_of_nginx_are_never_mixed() {
    for extra in &NGINX_IN_PARTS[1..] {
        let mixed = [&NGINX[..], &[*extra]].concat();
        assert!(question(Dialect::Nginx, &mixed).is_err(), "{extra:?}");
        let mixed = [&[*extra], &NGINX[..]].concat();
        assert!(question(Dialect::Nginx, &mixed).is_err(), "{extra:?}");
    }
}

#[test]
fn no_dialect_reads_the_fields_of_another() {
    let families: [&[(&str, &str)]; 3] = [&NGINX, &NGINX_IN_PARTS, &FORWARDED];
    for (dialect, own) in dialects() {
        for family in families {
            let is_own = family
                .iter()
                .any(|(name, _)| own.iter().any(|(own, _)| own == name));
            if is_own || matches!(dialect, Dialect::Nginx) && family != FORWARDED {
                continue;
            }
            let forged: Vec<_> = family
                .iter()
                .map(|(name, _)| (*name, "https://evil.example.com/admin"))
                .collect();
            let both = [own, &forged].concat();
            let question = question(dialect, &both).unwrap();
            assert_eq!(question.request.uri(), "/a%2Fb/../c?d=/e", "{dialect}");
            assert_eq!(question.request.headers()[HOST], "tools.example.com:8443");
            let headers: &HeaderMap = question.request.headers();
            let told = headers.values().filter(|value| {
                let text = value.to_str().unwrap();
                text.contains("evil")
            });
            assert_eq!(told.count(), 0, "{dialect}: {headers:?}");
        }
    }
}

#[test]
fn what_frames_the_question_is_no_part_of_what_is_asked() {
    let framing = [
        ("connection", "close"),
        ("content-length", "12"),
        ("expect", "100-continue"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
    ];
    for (dialect, fields) in dialects() {
        let question = question(dialect, &[fields, &framing].concat()).unwrap();
        for (name, _) in framing {
            assert!(
                !question.request.headers().contains_key(name),
                "{dialect} {name}"
            );
        }
    }
}

#[test]
fn a_name_is_read_as_it_is_written() {
    for dialect in Dialect::ALL {
        assert_eq!(dialect.to_string().parse(), Ok(dialect));
    }
    let error = "oauth2_proxy".parse::<Dialect>().unwrap_err().to_string();
    assert!(
        error.contains("oauth2-proxy") && error.contains("nginx"),
        "{error}"
    );
}

/// nginx passes on what a client writes, and the snippet sets one field about it.
#[test]
fn with_the_snippet_a_client_is_whom_nginx_names() {
    for (written, expected) in [
        (&[("x-real-ip", "192.0.2.1")][..], Some("192.0.2.1")),
        (
            &[
                ("x-forwarded-for", "198.51.100.1"),
                ("x-real-ip", "192.0.2.1"),
            ],
            Some("192.0.2.1"),
        ),
        (
            &[
                ("forwarded", "for=198.51.100.1"),
                ("x-real-ip", "192.0.2.1"),
            ],
            Some("192.0.2.1"),
        ),
        (&[("x-forwarded-for", "198.51.100.1")], None),
        (&[("forwarded", "for=198.51.100.1")], None),
        (
            &[("x-real-ip", "198.51.100.1"), ("x-real-ip", "192.0.2.1")],
            None,
        ),
        (&[], None),
    ] {
        let fields = [&SNIPPET, written].concat();
        let question = question(Dialect::OAuth2Proxy, &fields).unwrap();
        let headers = question.request.headers();
        let told = headers
            .get("x-forwarded-for")
            .map(|line| line.to_str().unwrap());
        assert_eq!(told, expected, "{written:?}");
        assert!(!headers.contains_key("forwarded"));
    }
}

#[test]
fn a_body_is_seen_where_a_proxy_passes_on_its_length() {
    for (dialect, fields) in dialects() {
        for (name, value, expected) in [
            ("content-length", "5", true),
            ("content-length", "+0", true),
            ("transfer-encoding", "chunked", true),
            ("content-length", "0", false),
            ("content-length", "", false),
        ] {
            let fields = [fields, &[(name, value)]].concat();
            let question = question(dialect, &fields).unwrap();
            assert_eq!(question.has_body, expected, "{dialect} {name}: {value}");
        }
    }
}
