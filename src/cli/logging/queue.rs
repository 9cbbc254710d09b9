//! The log's lines on their way to standard error.
//!
//! A line costs its thread a copy into a buffer that all threads share, instead of a system call;
//! one thread writes what has gathered. Nobody waits for the reader of the log: what finds no room
//! is dropped, counted, and told in a line.

use std::io::{self, ErrorKind, Write};
use std::mem::take;
use std::thread;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Lines that are still to be written.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes the writer.
    work: Condvar,
    /// Wakes those who wait until all is written.
    done: Condvar,
}

#[derive(Default)]
struct State {
    pending: Vec<u8>,
    /// How many lines found no room, or could not be written. Told behind the next that are written.
    dropped: u64,
    /// The writer waits for a line. It is woken once for a burst, not once for each line.
    is_idle: bool,
    is_writing: bool,
    /// Somebody waits until all is written.
    is_urgent: bool,
}

impl Queue {
    /// Adds a whole line, if there is room.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.state.lock();
        if state.pending.len() + line.len() > MAX_BYTES {
            state.dropped += 1;
            return;
        }
        state.pending.extend_from_slice(line);
        if take(&mut state.is_idle) {
            drop(state);
            self.work.notify_one();
        }
    }

    /// Waits until all lines are written, but no longer than `patience`: their reader may have
    /// stopped reading.
    pub(super) fn flush(&self, patience: Duration) {
        let mut state = self.state.lock();
        state.is_urgent = true;
        self.work.notify_one();
        let is_left = |state: &mut State| state.is_writing || !state.pending.is_empty();
        self.done.wait_while_for(&mut state, is_left, patience);
    }

    /// Writes lines as they come, for ever, in pieces of no more than `most` bytes unless a line is
    /// longer; `tells` makes the line about those that were dropped.
    pub(super) fn write_to(
        &self,
        mut output: impl Write,
        most: usize,
        tells: impl Fn(u64) -> String,
    ) {
        let mut lines = Vec::new();
        loop {
            let dropped = self.next(&mut lines);
            let mut failed = write_lines(&mut output, &lines, most);
            if dropped > 0 && write_lines(&mut output, tells(dropped).as_bytes(), most) > 0 {
                failed += dropped;
            }
            lines.clear();
            lines.shrink_to(USUAL_BYTES);
            self.written(failed);
        }
    }

    /// Waits for lines, and swaps them for the empty buffer; returns how many were dropped.
    fn next(&self, lines: &mut Vec<u8>) -> u64 {
        let mut state = self.state.lock();
        while state.pending.is_empty() {
            state.is_idle = true;
            self.work.wait(&mut state);
        }
        state.is_idle = false;
        state.is_writing = true;
        std::mem::swap(&mut state.pending, lines);
        take(&mut state.dropped)
    }

    /// Pauses after a write, so that lines gather while they come fast.
    fn written(&self, failed: u64) {
        let mut state = self.state.lock();
        state.is_writing = false;
        state.dropped += failed;
        if state.pending.is_empty() {
            state.is_urgent = false;
            self.done.notify_all();
        }
        if !state.is_urgent {
            self.work.wait_for(&mut state, PAUSE);
        }
    }
}

/// Writes whole lines, and returns how many could not be written.
fn write_lines(output: &mut impl Write, lines: &[u8], most: usize) -> u64 {
    let mut rest = lines;
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(whole_lines(rest, most));
        if write_whole(output, piece).is_err() {
            return rest.iter().filter(|&&b| b == b'\n').count() as u64;
        }
        rest = later;
    }
    0
}

/// How many bytes make the most whole lines within a bound, and at least one line.
fn whole_lines(lines: &[u8], most: usize) -> usize {
    let first = &lines[..lines.len().min(most)];
    let end = first.iter().rposition(|&b| b == b'\n');
    let end = end.or_else(|| lines.iter().position(|&b| b == b'\n'));
    end.map_or(lines.len(), |end| end + 1)
}

fn write_whole(output: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Whoever shares the terminal or the pipe has made it so.
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::park_timeout(PAUSE),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Some 15,000 lines: what a busy gate logs in a third of a second, in which a reader may stall.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// What is kept of a buffer that a stall has made large.
const USUAL_BYTES: usize = 256 * 1024;

/// What a pipe takes as one (POSIX `write`): beyond it, the lines of two writers may be mixed.
/// Linux's; POSIX allows less, which no system has.
pub(super) const PIPE_BUF: usize = 4096;

/// How long a line waits at most behind another. Longer saves nothing: a write has hundreds of
/// lines by then, where it matters.
const PAUSE: Duration = Duration::from_millis(5);

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    /// A pipe whose reader takes each write, or is gone.
    struct Pipe(SyncSender<Vec<u8>>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let sent = self.0.send(bytes.to_vec());
            sent.map_err(|_| io::Error::from(ErrorKind::BrokenPipe))?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A queue that is written to a pipe which holds so many writes.
    fn piped(room: usize) -> (Arc<Queue>, Receiver<Vec<u8>>) {
        let (sender, receiver) = sync_channel(room);
        let queue = Arc::new(Queue::default());
        let writer = queue.clone();
        thread::spawn(move || {
            writer.write_to(Pipe(sender), PIPE_BUF, |n| format!("{n} dropped\n"))
        });
        (queue, receiver)
    }

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn a_line_on_its_own_is_written_without_another() {
        let (queue, written) = piped(8);
        for line in ["first\n", "second\n"] {
            queue.push(line.as_bytes());
            let write = written.recv_timeout(PATIENCE).unwrap();
            assert_eq!(write, line.as_bytes());
        }
    }

    #[test]
    fn lines_keep_their_order_and_none_is_cut() {
        let (queue, written) = piped(1 << 16);
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let queue = queue.clone();
                thread::spawn(move || {
                    let push = |n: usize| {
                        queue.push(format!("{thread} {n} {}\n", "x".repeat(n % 99)).as_bytes())
                    };
                    (0..5_000).for_each(push);
                })
            })
            .collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        queue.flush(PATIENCE);
        let writes: Vec<_> = written.try_iter().collect();
        assert!(
            writes
                .iter()
                .all(|write| write.len() <= PIPE_BUF && write.ends_with(b"\n"))
        );
        let text = String::from_utf8(writes.concat()).unwrap();
        for thread in 0..4 {
            let of_thread = text
                .lines()
                .filter_map(|line| line.strip_prefix(&format!("{thread} ")));
            let numbers =
                of_thread.map(|line| line.split(' ').next().unwrap().parse::<usize>().unwrap());
            assert!(numbers.eq(0..5_000));
        }
        assert!(writes.len() < 10_000, "{} writes", writes.len());
    }

    #[test]
    fn a_line_beyond_what_a_pipe_takes_as_one_is_written_whole() {
        let long = "x".repeat(3 * PIPE_BUF) + "\n";
        let mut written = Vec::new();
        assert_eq!(
            write_lines(&mut written, format!("a\n{long}b\n").as_bytes(), PIPE_BUF),
            0
        );
        assert_eq!(written, format!("a\n{long}b\n").as_bytes());
        assert_eq!(
            whole_lines(format!("{long}b\n").as_bytes(), PIPE_BUF),
            long.len()
        );
    }

    #[test]
    fn what_finds_no_room_is_dropped_and_told() {
        let (queue, written) = piped(0);
        let line = "x".repeat(1023) + "\n";
        // The writer holds the first, which nobody takes.
        queue.push(b"held\n");
        while !queue.state.lock().is_writing {
            thread::yield_now();
        }
        for _ in 0..MAX_BYTES / line.len() + 7 {
            queue.push(line.as_bytes());
        }
        let mut text = String::new();
        while !text.ends_with("dropped\n") {
            let write = written.recv_timeout(PATIENCE).unwrap();
            text.push_str(&String::from_utf8(write).unwrap());
        }
        assert!(text.starts_with("held\n"));
        assert!(
            text.ends_with("x\n7 dropped\n"),
            "{:?}",
            text.lines().last()
        );
        assert_eq!(text.lines().count(), 1 + MAX_BYTES / line.len() + 1);
    }

    #[test]
    fn a_reader_that_is_gone_holds_up_nothing() {
        let (queue, written) = piped(0);
        drop(written);
        queue.push(b"lost\n");
        while queue.state.lock().dropped == 0 {
            thread::yield_now();
        }
        queue.push(b"lost as well\n");
        queue.flush(PATIENCE);
        assert_eq!(queue.state.lock().dropped, 2);
        // It waits for another line, in place of trying to tell.
        while !queue.state.lock().is_idle {
            thread::yield_now();
        }
    }

    #[test]
    fn a_reader_that_stopped_reading_is_not_waited_for() {
        let (queue, written) = piped(0);
        queue.push(b"unread\n");
        queue.flush(Duration::from_millis(50));
        assert!(queue.state.lock().is_writing);
        assert_eq!(written.recv_timeout(PATIENCE).unwrap(), b"unread\n");
        queue.flush(PATIENCE);
        assert!(!queue.state.lock().is_writing);
    }

    #[test]
    fn a_write_goes_on_where_it_was_interrupted() {
        struct Slow(Vec<u8>, usize);
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.1 += 1;
                match self.1 % 3 {
                    0 => Err(ErrorKind::Interrupted.into()),
                    1 => Err(ErrorKind::WouldBlock.into()),
                    _ => self.0.write(&bytes[..1]),
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut output = Slow(Vec::new(), 0);
        assert_eq!(write_lines(&mut output, b"one\ntwo\n", PIPE_BUF), 0);
        assert_eq!(output.0, b"one\ntwo\n");
        let mut full: &mut [u8] = &mut [0; 5];
        assert_eq!(write_lines(&mut full, b"one\ntwo\nthree\n", PIPE_BUF), 3);
    }
}
