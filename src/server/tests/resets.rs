use super::frames::{
    END_HEADERS, END_STREAM, GET_HEAD, HEADERS, PREFACE, RST_STREAM, SETTINGS, frame,
};
use super::*;

/// CVE-2023-44487: requests that are reset at once cost more than they seem to.
#[tokio::test(start_paused = true)]
async fn e5_a_client_that_resets_all_it_begins_is_told_to_leave() {
    let client = Client::speaking(true, 64 * PIPE_BYTES, 0, seconds(5));
    let (mut reader, mut writer) = tokio::io::split(client.stream);
    let mut flood = PREFACE.to_vec();
    flood.extend(frame(SETTINGS, 0, 0, &[]));
    for stream in (1..2_000).step_by(2) {
        flood.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, GET_HEAD));
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

const CANCEL: u32 = 8;
const ENHANCE_YOUR_CALM: u32 = 11;
