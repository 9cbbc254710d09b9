//! Fields, pseudo-fields, and what they say.

use super::*;

over!(every http2:
    bytes_of_fields,
    fields_of_a_connection,
    pseudo_fields,
    hosts,
    targets,
    methods,
    values_with_blanks,
    fields_that_pass,
    cookies_in_pieces,
);

async fn bytes_of_fields(on: Carrier) {
    let inputs = vec![
        with("CR in a value", ("x", "a\rb"), Closed(1)),
        with("LF in a value", ("x", "a\nb"), Closed(1)),
        with("CRLF in a value", ("x", "a\r\nx-admin: 1"), Closed(1)),
        with("NUL in a value", ("x", "a\0b"), Closed(1)),
        with("DEL in a value", ("x", "a\u{7f}b"), Closed(1)),
        with("CR in a name", ("x\ra", "1"), Closed(1)),
        with("LF in a name", ("x\na", "1"), Closed(1)),
        with("NUL in a name", ("x\0a", "1"), Closed(1)),
        with("space in a name", ("x a", "1"), Closed(1)),
        with("colon in a name", ("x:a", "1"), Closed(1)),
        with("upper case in a name", ("X-a", "1"), Closed(1)),
        with("obs-text in a name", ("x\u{e9}", "1"), Closed(1)),
        with("no name", ("", "1"), Closed(1)),
    ];
    assert_ends(on, inputs).await;
}

async fn fields_of_a_connection(on: Carrier) {
    let inputs = vec![
        with("connection", ("connection", "x-forwarded-user"), Reset),
        with("transfer-encoding", ("transfer-encoding", "chunked"), Reset),
        with("upgrade", ("upgrade", "websocket"), Reset),
        with("keep-alive", ("keep-alive", "timeout=5"), Reset),
        with("proxy-connection", ("proxy-connection", "close"), Reset),
        with("te: gzip", ("te", "gzip"), Reset),
        with("te: trailers, gzip", ("te", "trailers, gzip"), Reset),
        with("te: trailers", ("te", "trailers"), PASSED),
        // An upstream of HTTP/1 would have taken it for one that h2c begins with.
        with("http2-settings", ("http2-settings", "AAMAAABk"), PASSED),
    ];
    assert_ends(on, inputs).await;
}

async fn pseudo_fields(on: Carrier) {
    let late = [GET[0], GET[1], GET[2], ("x", "1"), GET[3]];
    let twice = |name, at: usize| Input {
        name,
        frames: head(GET.into_iter().chain([GET[at]]), &[], &[]),
        end: Reset,
    };
    let inputs = vec![
        with("unknown pseudo-field", (":evil", "1"), Closed(1)),
        with("pseudo-field of a response", (":status", "200"), Reset),
        with("late pseudo-field", (":path", "/late"), Reset),
        Input {
            name: "pseudo-field after a field",
            frames: head(late, &[], &[]),
            end: Reset,
        },
        twice("two :method", 0),
        twice("two :scheme", 1),
        twice("two :authority", 2),
        twice("two :path", 3),
        without("no :method", ":method", &[], Reset),
        without("no :scheme", ":scheme", &[], Reset),
        without("no :path", ":path", &[], Reset),
        changed("empty :method", (":method", ""), Closed(1)),
        changed("empty :path", (":path", ""), Reset),
        changed("CRLF in :path", (":path", "/p\r\nx: 1"), Reset),
        changed("space in :path", (":path", "/p /q"), Reset),
        changed("NUL in :path", (":path", "/p\0"), Reset),
        changed("space in :method", (":method", "GET /q"), Closed(1)),
        changed(
            ":scheme javascript",
            (":scheme", "javascript"),
            Answered(400),
        ),
        changed(":scheme of the other kind", (":scheme", "https"), PASSED),
        with(
            ":protocol that nobody enabled",
            (":protocol", "websocket"),
            Reset,
        ),
    ];
    assert_ends(on, inputs).await;
}

async fn hosts(on: Carrier) {
    let inputs = vec![
        with("host as :authority", ("host", "a"), PASSED),
        with("host in capitals", ("host", "A"), PASSED),
        with("another host", ("host", "b"), Answered(400)),
        with("host with another port", ("host", "a:80"), Answered(400)),
        with("empty host", ("host", ""), Answered(400)),
        Input {
            name: "two hosts",
            frames: head(GET, &[], &[("host", "a"), ("host", "a")]),
            end: Answered(400),
        },
        without("no host at all", ":authority", &[], Answered(400)),
        without("host alone", ":authority", &[("host", "a")], PASSED),
        without(
            "two hosts alone",
            ":authority",
            &[("host", "a"), ("host", "b")],
            Answered(400),
        ),
        without(
            "host alone with userinfo",
            ":authority",
            &[("host", "u@a")],
            Answered(400),
        ),
        changed("userinfo", (":authority", "u:p@a"), Answered(400)),
        changed("empty :authority", (":authority", ""), Reset),
        changed(":authority with a path", (":authority", "a/../b"), Reset),
        changed(
            ":authority that is a list",
            (":authority", "a,b"),
            Answered(400),
        ),
        changed(
            ":authority without a good port",
            (":authority", "a:x"),
            Answered(400),
        ),
    ];
    assert_ends(on, inputs).await;
}

async fn targets(on: Carrier) {
    let inputs = vec![
        changed("path without a slash", (":path", "p"), Reset),
        changed("absolute form", (":path", "http://evil/p"), Reset),
        changed("authority form", (":path", "evil:80"), Reset),
        changed("asterisk", (":path", "*"), Answered(400)),
        changed(
            "fragment",
            (":path", "/admin#/public"),
            Forwarded("GET /admin", ""),
        ),
        changed(
            "dots",
            (":path", "/pub/../admin"),
            Forwarded("GET /pub/../admin", ""),
        ),
        changed(
            "encoded dots",
            (":path", "/pub/%2e%2e%2fadmin"),
            Forwarded("GET /pub/%2e%2e%2fadmin", ""),
        ),
        changed(
            "two slashes",
            (":path", "//evil/p"),
            Forwarded("GET //evil/p", ""),
        ),
        changed("backslash", (":path", "/a\\b"), Forwarded("GET /a\\b", "")),
        changed(
            "encoded NUL",
            (":path", "/a%00"),
            Forwarded("GET /a%00", ""),
        ),
        changed("no triplet", (":path", "/a%zz"), Forwarded("GET /a%zz", "")),
        changed(
            "raw UTF-8",
            (":path", "/caf\u{c3}\u{a9}"),
            Forwarded("GET /caf\u{e9}", ""),
        ),
        changed("query alone", (":path", "?q"), Answered(400)),
    ];
    assert_ends(on, inputs).await;
}

async fn methods(on: Carrier) {
    let connect = [(":method", "CONNECT"), (":authority", "evil:80")];
    let inputs = vec![
        Input {
            name: "CONNECT",
            frames: head(connect, &[], &[]),
            end: Answered(501),
        },
        Input {
            name: "CONNECT with a body",
            frames: [
                frames::headers(1, &fields(connect, &[], &[]), false),
                frames::data(1, b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", true),
            ]
            .concat(),
            end: Answered(501),
        },
        changed("CONNECT with a path", (":method", "CONNECT"), Reset),
        changed("TRACE", (":method", "TRACE"), Answered(501)),
        changed("trace", (":method", "trace"), Answered(501)),
        changed("PRI", (":method", "PRI"), Answered(501)),
        changed("get", (":method", "get"), Forwarded("get /p", "")),
        changed(
            "any token",
            (":method", "FOO!#$"),
            Forwarded("FOO!#$ /p", ""),
        ),
        changed("no token", (":method", "F(O"), Closed(1)),
        Input {
            name: "OPTIONS *",
            frames: head(GET, &[(":method", "OPTIONS"), (":path", "*")], &[]),
            end: Answered(204),
        },
        with("expectation", ("expect", "100-continue"), PASSED),
        with("unknown expectation", ("expect", "200-ok"), Answered(417)),
    ];
    assert_ends(on, inputs).await;
}

async fn values_with_blanks(on: Carrier) {
    let mut inputs = vec![
        with("leading space", ("x", " a"), Answered(400)),
        with("leading tab", ("x", "\ta"), Answered(400)),
        with("trailing space", ("x", "a "), Answered(400)),
        with("trailing tab", ("x", "a\t"), Answered(400)),
        with("space alone", ("x", " "), Answered(400)),
        with("blanks inside", ("x", "a \t b"), PASSED),
    ];
    let rest = |value: String| {
        let mut fields: Vec<Field> = GET.iter().map(field).collect();
        fields.push((b"authorization".to_vec(), value.into_bytes()));
        frames::headers(1, &fields, true)
    };
    for value in [format!(" Bearer {TOKEN} "), format!("Bearer {TOKEN}\t")] {
        inputs.push(Input {
            name: "blanks around a credential",
            frames: rest(value),
            end: Answered(400),
        });
    }
    inputs.push(Input {
        name: "blanks within a credential",
        frames: rest(format!("Bearer   {TOKEN}")),
        end: PASSED,
    });
    assert_ends(on, inputs).await;
}

async fn fields_that_pass(on: Carrier) {
    let inputs = vec![
        with(
            "second authorization",
            ("authorization", "Bearer x"),
            Answered(400),
        ),
        with("underscores", ("x_forwarded_user", "admin"), PASSED),
        with("dots", ("x.forwarded.user", "admin"), PASSED),
        with("underscores for framing", ("content_length", "5"), PASSED),
        with(
            "underscores for a coding",
            ("transfer_encoding", "chunked"),
            PASSED,
        ),
        with("obs-text", ("x", "\u{ff}\u{fe}"), PASSED),
        with("empty value", ("x", ""), PASSED),
        with(
            "circle",
            ("via", "2 ghes-gatekeeper, 2 ghes-gatekeeper"),
            Answered(508),
        ),
        with(
            "proxy-authorization",
            ("proxy-authorization", "Basic YTpi"),
            PASSED,
        ),
    ];
    assert_ends(on, inputs).await;
}

/// RFC 9113 §8.2.3: HTTP/1 gets them in one field.
async fn cookies_in_pieces(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let crumbs = [("cookie", "a=1"), ("x", "1"), ("cookie", "b=2; c=3")];
    let end = front.end_of_frames(&head(GET, &[], &crumbs)).await;
    assert_eq!(end.status(), Some(200));
    assert_eq!(upstream.message().await.only("cookie"), "a=1; b=2; c=3");
}
