//! Kinds of input that only HTTP/2 can carry, or carries in its own way: what h2 refuses, and what
//! it lets through to us.

mod heads;
mod messages;

use super::TOKEN;
use crate::carrier::frames::{self, Field};
use crate::carrier::{Carrier, End};
use crate::recorder::Recorder;

struct Input {
    name: &'static str,
    frames: Vec<u8>,
    end: Ends,
}

#[derive(Clone, Copy, Debug)]
enum Ends {
    /// The gate answers with this status itself, and the upstream gets nothing.
    Answered(u16),
    /// h2 ends the stream with `PROTOCOL_ERROR`, and the upstream gets nothing whole.
    Reset,
    /// h2 ends the connection with this code of RFC 9113 §7, and nobody gets anything.
    Closed(u32),
    /// The upstream gets this line and this body.
    Forwarded(&'static str, &'static str),
}

use Ends::{Answered, Closed, Forwarded, Reset};

const PASSED: Ends = Forwarded("GET /p", "");
const HELLO: Ends = Forwarded("POST /p", "hello");

async fn assert_ends(on: Carrier, inputs: Vec<Input>) {
    let mut upstream = Recorder::start().await;
    let front = upstream.front(on).await;
    for Input { name, frames, end } in inputs {
        let ended = front.end_of_frames(&frames).await;
        match (end, &ended) {
            (Answered(expected), End::Answered(answer)) => {
                assert_eq!(answer.status, expected, "{name}");
            }
            (Reset, End::Reset(1)) => {}
            (Closed(expected), End::Closed(Some(code))) => assert_eq!(*code, expected, "{name}"),
            (Forwarded(line, body), End::Answered(answer)) => {
                assert_eq!(answer.status, 200, "{name}");
                let message = upstream.message().await;
                assert_eq!(message.line(), line, "{name}");
                assert_eq!(String::from_utf8_lossy(&message.body), body, "{name}");
            }
            _ => panic!("{name}: {ended:?} and not {end:?}"),
        }
        upstream.assert_untouched();
    }
    // What was smuggled would be before this.
    let last = head(GET, &[(":path", "/last")], &[]);
    assert_eq!(front.end_of_frames(&last).await.status(), Some(200));
    assert_eq!(upstream.message().await.target, "/last");
    upstream.assert_untouched();
}

const GET: [(&str, &str); 4] = [
    (":method", "GET"),
    (":scheme", "http"),
    (":authority", "a"),
    (":path", "/p"),
];

fn field((name, value): &(&str, &str)) -> Field {
    (one_byte_each(name), one_byte_each(value))
}

/// Characters are bytes here, so that a table can hold what is no UTF-8.
fn one_byte_each(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).expect("a byte"))
        .collect()
}

fn credential() -> Field {
    let value = format!("Bearer {TOKEN}");
    (b"authorization".to_vec(), value.into_bytes())
}

/// These pseudo-fields, those of `change` in the place of those of the same name, a good
/// credential, and more fields.
fn fields(
    pseudo: impl IntoIterator<Item = (&'static str, &'static str)>,
    change: &[(&str, &str)],
    more: &[(&str, &str)],
) -> Vec<Field> {
    let changed = |one: (&'static str, &'static str)| {
        let new = change.iter().find(|(name, _)| *name == one.0);
        field(new.unwrap_or(&one))
    };
    let pseudo = pseudo.into_iter().map(changed);
    pseudo
        .chain([credential()])
        .chain(more.iter().map(field))
        .collect()
}

fn head(
    pseudo: impl IntoIterator<Item = (&'static str, &'static str)>,
    change: &[(&str, &str)],
    more: &[(&str, &str)],
) -> Vec<u8> {
    frames::headers(1, &fields(pseudo, change, more), true)
}

/// A GET with one more field.
fn with(name: &'static str, (field, value): (&str, &str), end: Ends) -> Input {
    let frames = head(GET, &[], &[(field, value)]);
    Input { name, frames, end }
}

/// A GET with another pseudo-field.
fn changed(name: &'static str, change: (&str, &str), end: Ends) -> Input {
    let frames = head(GET, &[change], &[]);
    Input { name, frames, end }
}

/// A GET without this pseudo-field.
fn without(name: &'static str, pseudo: &str, more: &[(&str, &str)], end: Ends) -> Input {
    let rest = GET.into_iter().filter(|(name, _)| *name != pseudo);
    let frames = head(rest, &[], more);
    Input { name, frames, end }
}

/// A POST with these fields and these pieces of a body, the last of which ends it.
fn post(name: &'static str, more: &[(&str, &str)], pieces: &[&str], end: Ends) -> Input {
    let mut bytes = frames::headers(1, &fields(GET, &[(":method", "POST")], more), false);
    for (at, piece) in pieces.iter().enumerate() {
        let is_end = at + 1 == pieces.len();
        bytes.extend(frames::data(1, piece.as_bytes(), is_end));
    }
    let frames = bytes;
    Input { name, frames, end }
}

/// A POST of `hello` with these trailers.
fn trailed(name: &'static str, trailers: &[(&str, &str)], end: Ends) -> Input {
    let Input { mut frames, .. } = post(name, &[("te", "trailers")], &["hello", ""], end);
    // Instead of the empty frame at the end.
    frames.truncate(frames.len() - 9);
    let trailers: Vec<Field> = trailers.iter().map(field).collect();
    frames.extend(frames::headers(1, &trailers, true));
    Input { name, frames, end }
}
