use std::collections::HashMap;
use std::mem::take;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::network::network;
use crate::rejection::RejectionKind;
use crate::throttle::Turn;

/// Decides which rejections have a line: of each client and kind, so many within a second.
///
/// A client that floods the gate would write the log full, and push out what others did. The next
/// line of the same client and kind has the number of those left out. Requests that the gate has
/// admitted have no part in it.
#[derive(Default)]
pub(in crate::proxy) struct Floods(Mutex<Windows>);

#[derive(Default)]
struct Windows {
    of: HashMap<(IpAddr, RejectionKind), Window>,
    /// None before the first look for windows that are over.
    cleaned_at: Option<Instant>,
}

struct Window {
    since: Instant,
    lines: u32,
    suppressed: u64,
}

impl Floods {
    /// Returns none if the rejection has no line.
    pub(in crate::proxy) fn turn(&self, client: IpAddr, kind: RejectionKind) -> Option<Turn> {
        let now = Instant::now();
        let key = (network(client), kind);
        let mut windows = self.0.lock();
        if windows.of.len() >= MOST_WINDOWS && !windows.of.contains_key(&key) {
            windows.clean(now);
            // So many clients at once are no flood of one of them.
            if windows.of.len() >= MOST_WINDOWS {
                return Some(Turn::default());
            }
        }
        let window = windows.of.entry(key).or_insert_with(|| Window::new(now));
        window.turn(now)
    }
}

impl Windows {
    /// Forgets windows that are over, at most once in the time of one.
    fn clean(&mut self, now: Instant) {
        if self.cleaned_at.is_none_or(|at| now - at >= SECOND) {
            self.cleaned_at = Some(now);
            self.of.retain(|_, window| now - window.since < SECOND);
        }
    }
}

impl Window {
    const fn new(since: Instant) -> Self {
        Self {
            since,
            lines: 0,
            suppressed: 0,
        }
    }

    fn turn(&mut self, now: Instant) -> Option<Turn> {
        if now - self.since >= SECOND {
            (self.since, self.lines) = (now, 0);
        }
        if self.lines == MOST_LINES {
            self.suppressed += 1;
            return None;
        }
        self.lines += 1;
        Some(Turn {
            suppressed: NonZeroU64::new(take(&mut self.suppressed)),
        })
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// More than a page loads at once, whose parts are all turned away; a flood is thousands.
const MOST_LINES: u32 = 100;

/// Half a megabyte.
const MOST_WINDOWS: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const KIND: RejectionKind = RejectionKind::InvalidToken;

    fn suppressed(turn: Option<Turn>) -> Option<u64> {
        turn.map(|turn| turn.suppressed.map_or(0, NonZeroU64::get))
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_lines_within_a_second_and_the_rest_counted() {
        let floods = Floods::default();
        for _ in 0..MOST_LINES {
            assert_eq!(suppressed(floods.turn(ONE, KIND)), Some(0));
        }
        for _ in 0..7 {
            assert_eq!(floods.turn(ONE, KIND), None);
        }
        assert_eq!(suppressed(floods.turn(OTHER, KIND)), Some(0));
        let other_kind = RejectionKind::MissingToken;
        assert_eq!(suppressed(floods.turn(ONE, other_kind)), Some(0));
        tokio::time::advance(SECOND - Duration::from_millis(1)).await;
        assert_eq!(floods.turn(ONE, KIND), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(suppressed(floods.turn(ONE, KIND)), Some(8));
        assert_eq!(suppressed(floods.turn(ONE, KIND)), Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_is_one_client() {
        let floods = Floods::default();
        let address = |host: u16| IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, host]);
        let lines = (0..500).filter(|host| floods.turn(address(*host), KIND).is_some());
        assert_eq!(lines.count(), MOST_LINES as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn many_clients_take_no_more_room() {
        let floods = Floods::default();
        let clients = MOST_WINDOWS as u32 + 100;
        for client in 0..clients {
            let client = IpAddr::from(client.to_be_bytes());
            assert_eq!(suppressed(floods.turn(client, KIND)), Some(0));
        }
        assert_eq!(floods.0.lock().of.len(), MOST_WINDOWS);
        tokio::time::advance(SECOND).await;
        assert_eq!(suppressed(floods.turn(ONE, KIND)), Some(0));
        assert_eq!(floods.0.lock().of.len(), 1);
    }
}
