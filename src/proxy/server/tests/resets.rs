use super::*;

/// A frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame");
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// CVE-2023-44487: requests that are taken back at once cost more than they look like.
#[tokio::test(start_paused = true)]
async fn a_client_that_resets_all_it_begins_is_told_to_leave() {
    let client = Client::speaking(true, 64 * PIPE_BYTES, 0, seconds(5));
    let (mut reader, mut writer) = tokio::io::split(client.stream);
    let mut flood = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    flood.extend(frame(SETTINGS, 0, 0, &[]));
    for stream in (1..2_000).step_by(2) {
        // RFC 7541: GET, http, / and the authority a.
        let head = [0x82, 0x86, 0x84, 0x41, 0x01, b'a'];
        flood.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, &head));
        flood.extend(frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes()));
    }
    let flooding = async {
        // The server may be gone before all of it is sent.
        let _ = writer.write_all(&flood).await;
    };
    let mut answer = Vec::new();
    let _ = tokio::join!(flooding, reader.read_to_end(&mut answer));
    assert_eq!(client.connected_at.elapsed().as_secs(), 0);
    let calm = ENHANCE_YOUR_CALM.to_be_bytes();
    assert!(answer.windows(4).any(|code| code == calm), "{answer:?}");
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;
