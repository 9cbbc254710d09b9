//! Bodies and what they are told to be, trailers, sizes, and frames out of order.

use super::*;

over!(every http2:
    lengths,
    trailers,
    sizes,
    sequences,
);

async fn lengths(on: Carrier) {
    let length = |value| [("content-length", value)];
    let inputs = vec![
        post("no length", &[], &["hello"], HELLO),
        post("no body", &[], &[""], Forwarded("POST /p", "")),
        post("length", &length("5"), &["hel", "lo"], HELLO),
        post("length with zeros", &length("0005"), &["hello"], HELLO),
        post("less than the length", &length("6"), &["hello"], Reset),
        post("more than the length", &length("4"), &["hello"], Reset),
        post("length of no body", &length("5"), &[""], Reset),
        post("length with a sign", &length("+5"), &["hello"], Reset),
        post("length that is none", &length("5, 5"), &["hello"], Reset),
        post(
            "length beyond numbers",
            &length("18446744073709551616"),
            &["hello"],
            Reset,
        ),
        post(
            "two lengths",
            &[("content-length", "5"), ("content-length", "6")],
            &["hello"],
            Reset,
        ),
        with("length of a head alone", ("content-length", "5"), Reset),
    ];
    assert_ends(on, inputs).await;
}

async fn trailers(on: Carrier) {
    let inputs = vec![
        trailed(
            "trailer that is an identity",
            &[("x-forwarded-user", "admin")],
            HELLO,
        ),
        trailed(
            "trailer that is a credential",
            &[("authorization", "Bearer x")],
            HELLO,
        ),
        trailed(
            "trailer that is a length",
            &[("content-length", "0")],
            HELLO,
        ),
        trailed("trailer of a connection", &[("connection", "close")], Reset),
        // h2 drops it, and no trailer passes.
        trailed("pseudo-field in trailers", &[(":path", "/late")], HELLO),
        trailed("upper case in trailers", &[("X", "1")], Closed(1)),
    ];
    assert_ends(on, inputs).await;
}

async fn sizes(on: Carrier) {
    let path = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
    // The credential is one of a hundred.
    let many = |count| [("x", "1")].repeat(count);
    let inputs = vec![
        changed("long path", (":path", &path(8193)), Answered(414)),
        Input {
            name: "many fields",
            frames: head(GET, &[], &many(99)),
            end: PASSED,
        },
        Input {
            name: "too many fields",
            frames: head(GET, &[], &many(100)),
            end: Answered(431),
        },
        with("long value", ("x", &"a".repeat(17_000)), PASSED),
        with("longer value", ("x", &"a".repeat(31_000)), PASSED),
        with(
            "too long a value",
            ("x", &"a".repeat(32_768)),
            Answered(431),
        ),
        cookies("many crumbs", 90, "name=value"),
        cookies("more crumbs", 180, "name=value"),
        cookies("large crumbs", 8, &"c".repeat(3_870)),
        with(
            "longer than any limit",
            ("x", &"a".repeat(60_000)),
            Answered(431),
        ),
    ];
    assert_ends(on, inputs).await;
}

/// A GET with as many cookies, each in a field of its own.
fn cookies(name: &'static str, count: usize, value: &str) -> Input {
    Input {
        name,
        frames: head(GET, &[], &[("cookie", value)].repeat(count)),
        end: PASSED,
    }
}

/// Frames that stand where none may (RFC 9113 §5.1, §6).
async fn sequences(on: Carrier) {
    let good = || head(GET, &[], &[]);
    let block = good()[9..].to_vec();
    let begun = frames::frame(frames::HEADERS, frames::END_STREAM, 1, &block);
    let rest = frames::frame(frames::CONTINUATION, frames::END_HEADERS, 1, &[]);
    let on_stream = |stream| frames::headers(stream, &fields(GET, &[], &[]), true);
    let inputs = vec![
        Input {
            name: "head in two frames",
            frames: [begun.clone(), rest].concat(),
            end: PASSED,
        },
        Input {
            name: "another frame within a head",
            frames: [begun, frames::data(1, b"hello", true)].concat(),
            end: Closed(1),
        },
        Input {
            name: "DATA before HEADERS",
            frames: frames::data(1, b"hello", true),
            end: Closed(1),
        },
        Input {
            name: "CONTINUATION alone",
            frames: frames::frame(frames::CONTINUATION, frames::END_HEADERS, 1, &block),
            end: Closed(1),
        },
        Input {
            name: "stream 0",
            frames: on_stream(0),
            end: Closed(1),
        },
        Input {
            name: "stream of a server",
            frames: on_stream(2),
            end: Closed(1),
        },
        Input {
            name: "head that is no HPACK",
            frames: frames::frame(
                frames::HEADERS,
                frames::END_STREAM | frames::END_HEADERS,
                1,
                b"\xff\xff\xff\xff\xff",
            ),
            end: Closed(1),
        },
        Input {
            name: "frame beyond its size",
            frames: frames::frame(frames::DATA, 0, 1, &[0; 16_385]),
            end: Closed(6),
        },
    ];
    assert_ends(on, inputs).await;
}
