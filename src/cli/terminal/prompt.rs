use std::{io, process};

use tokio::signal::unix::{SignalKind, signal};

/// Asks on the terminal for what is not to be seen.
///
/// On Ctrl-C, rpassword sends the signal before it has put the terminal back, and a terminal that
/// is left so shows nothing and cannot interrupt anything. So the signal is caught during the
/// prompt. After that, it ends the process as usual.
pub(super) fn without_echo(prompt: &str) -> io::Result<String> {
    let mut interrupts = signal(SignalKind::interrupt())?;
    let answer = rpassword::prompt_password(prompt)?;
    tokio::spawn(async move {
        interrupts.recv().await;
        end();
    });
    Ok(answer)
}

#[expect(clippy::exit, reason = "the main thread may be waiting for a line")]
fn end() {
    process::exit(INTERRUPTED);
}

/// What a shell makes of a process that SIGINT has ended.
const INTERRUPTED: i32 = 128 + 2;
