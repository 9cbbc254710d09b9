//! What only HTTP/2 can say, and an upstream of HTTP/1 would read otherwise.

use super::*;
use crate::carrier::frames;

over!(every http2:
    f6_no_tunnel_begins_in_http_2,
    f10_no_byte_that_ends_a_line_crosses_over,
    f11_blanks_around_a_value_are_refused,
);

/// Traefik CVE-2026-71324: the body of a CONNECT would have been the upstream's next request.
async fn f6_no_tunnel_begins_in_http_2(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let connect = known("").http2("http").into_iter();
    let connect = connect.filter(|(name, _)| name != b":path" && name != b":scheme");
    let mut connect: Vec<_> = connect.collect();
    connect[0].1 = b"CONNECT".to_vec();
    let smuggled = get_path("/smuggled", "");
    let frames = [
        frames::headers(1, &connect, false),
        frames::data(1, smuggled.as_bytes(), true),
    ];
    let end = front.end_of_frames(&frames.concat()).await;
    assert_eq!(end.status(), Some(501));
    front.assert_status(&Ask::known("/last"), 200).await;
    assert_eq!(upstream.message().await.target, "/last");
    upstream.assert_untouched();
}

/// Sends a value as it is, for what HTTP/1 would have split or trimmed.
async fn end_of_value(front: &Front, name: &str, value: &str) -> End {
    let mut fields = Ask::get("/p").http2(front.carrier.scheme());
    fields.push((name.into(), value.into()));
    front
        .end_of_frames(&frames::headers(1, &fields, true))
        .await
}

/// Envoy CVE-2019-9900, CVE-2023-27491.
async fn f10_no_byte_that_ends_a_line_crosses_over(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let good = format!("Bearer {TOKEN}");
    for byte in ["\r", "\n", "\r\n", "\0", "\r\nx-forwarded-user: admin"] {
        for (name, value) in [
            ("authorization", format!("{good}{byte}")),
            ("x", format!("a{byte}b")),
            (&*format!("x{byte}"), "a".to_owned()),
        ] {
            let end = end_of_value(&front, name, &value).await;
            assert!(
                matches!(end, End::Closed(Some(1)) | End::Reset(1)),
                "{end:?}"
            );
        }
    }
    upstream.assert_untouched();
    assert_eq!(front.gate.calls(), 0);
}

async fn f11_blanks_around_a_value_are_refused(on: Carrier) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    let good = format!("Bearer {TOKEN}");
    for value in [format!(" {good} "), format!("{good} "), format!("\t{good}")] {
        let end = end_of_value(&front, "authorization", &value).await;
        assert_eq!(end.status(), Some(400), "{value:?}");
    }
    // A credential with blanks would be refused for itself as well.
    for value in [" a", "a\t"] {
        let mut fields = known("").http2(on.scheme());
        fields.push((b"x".to_vec(), value.into()));
        let frames = frames::headers(1, &fields, true);
        assert_eq!(front.end_of_frames(&frames).await.status(), Some(400));
    }
    assert_eq!(front.gate.calls(), 0);
    let end = end_of_value(&front, "authorization", &good).await;
    assert_eq!(end.status(), Some(200), "it was the blanks");
    upstream.message().await;
    upstream.assert_untouched();
}
