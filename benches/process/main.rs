//! What the proxy costs as a process: how soon it listens, what it keeps in memory, what an unknown
//! token takes, and whether it grows.
//!
//! ```sh
//! cargo bench --bench process                       # start, idle, cold
//! cargo bench --bench process -- soak 10m
//! ```
//!
//! The proxy is the command, in a process of its own with one worker. GHES is the emulator and the
//! upstream a few lines, on a thread of this process each, over loopback; clients are a third. So
//! rates are what is left of a machine that does all of that at once, and the figure to look at is
//! the processor time of the proxy (`/proc/PID/stat`, in ticks of 10 ms).
#![allow(clippy::print_stdout, reason = "it is what a bench is for")]

mod client;
mod cold;
mod gate;
mod servers;
mod soak;
mod start;

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Cargo adds `--bench` by itself.
    let arguments = env::args().skip(1).filter(|argument| argument != "--bench");
    let arguments: Vec<String> = arguments.collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] => {
            start::measure();
            cold::measure();
        }
        ["start"] => start::measure(),
        ["cold"] => cold::measure(),
        ["soak", time] => match humantime(time) {
            Some(time) => return u8::from(!soak::measure(time)).into(),
            None => return usage(),
        },
        _ => return usage(),
    }
    ExitCode::SUCCESS
}

fn humantime(text: &str) -> Option<std::time::Duration> {
    let (number, seconds) = match text.strip_suffix('m') {
        Some(minutes) => (minutes, 60),
        None => (text.strip_suffix('s')?, 1),
    };
    let number: u64 = number.parse().ok()?;
    Some(std::time::Duration::from_secs(number * seconds))
}

fn usage() -> ExitCode {
    println!("give nothing, or start, or cold, or soak and a time like 10m or 30s");
    ExitCode::from(2)
}
