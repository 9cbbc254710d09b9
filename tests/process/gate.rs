use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The command, serving.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    process: Child,
    file: PathBuf,
}

impl Gate {
    /// Starts it before `upstream`, which everybody may ask, with more of a configuration.
    pub(crate) async fn start(upstream: SocketAddr, more: &str) -> Self {
        Self::start_with(upstream, more, 20_000).await
    }

    /// The same, with so many file descriptors.
    pub(crate) async fn start_with(upstream: SocketAddr, more: &str, files: u32) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ghes-gatekeeper-process-{}-{count}", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, configuration(upstream, more)).expect("a file");
        // A limit beyond the hard one stays what it is.
        let script = format!("ulimit -n {files} 2>/dev/null; exec \"$0\" serve --config \"$1\"");
        let mut process = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_ghes-gatekeeper")])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the command");
        let output = process.stdout.take().expect("standard output");
        let line = BufReader::new(output).lines().next_line().await;
        let line = line.expect("standard output").expect("a line");
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|line| line.strip_suffix(" (gate)"))
            .unwrap_or_else(|| panic!("{line}"));
        Self {
            address: address.parse().expect("an address"),
            process,
            file,
        }
    }

    /// How much memory it has now, in KiB.
    pub(crate) fn memory(&self) -> usize {
        self.status("VmRSS:")
    }

    /// How much memory it has had at most, in KiB.
    pub(crate) fn peak(&self) -> usize {
        self.status("VmHWM:")
    }

    /// The processor time that it has used.
    pub(crate) fn time(&self) -> Duration {
        let stat = self.read("stat");
        // The name in parentheses may contain anything; proc(5) counts from 1 before it.
        let (_, fields) = stat.rsplit_once(") ").expect("a name");
        let ticks: u64 = fields
            .split(' ')
            .skip(14 - 3)
            .take(2)
            .map(|field| field.parse::<u64>().expect("a number"))
            .sum();
        Duration::from_millis(ticks * 10)
    }

    /// How many files it has open.
    pub(crate) fn files(&self) -> usize {
        let files = fs::read_dir(self.directory().join("fd"));
        files.expect("a directory").count()
    }

    fn status(&self, key: &str) -> usize {
        let status = self.read("status");
        let (_, rest) = status.split_once(key).expect("a key");
        let value = rest.split_whitespace().next().expect("a value");
        value.parse().expect("a number")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory().join(name)).expect("a running process")
    }

    fn directory(&self) -> PathBuf {
        let id = self.process.id().expect("a running process");
        PathBuf::from(format!("/proc/{id}"))
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
    }
}

fn configuration(upstream: SocketAddr, more: &str) -> String {
    // GHES is nowhere, and nobody needs it.
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n\
         limits.connections = 100000\nlimits.connections_per_client = 100000\n{more}\n\
         [ghes]\nurl = \"http://127.0.0.1:1\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
         [[routes]]\npath = \"/\"\nexact = true\nupstream = \"http://{upstream}\"\nanonymous = true\n"
    )
}
