use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// The command, serving.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    lines: Lines<BufReader<ChildStdout>>,
    process: Child,
    file: PathBuf,
}

impl Gate {
    /// Starts it before `upstream`, which everybody may ask, with more of a configuration.
    pub(crate) async fn start(upstream: SocketAddr, more: &str) -> Self {
        Self::start_under(upstream, more, "-n 20000").await
    }

    /// Starts it before `upstream`, which only those may ask whose token is good at this GHES.
    pub(crate) async fn start_for_users(upstream: SocketAddr, ghes: SocketAddr) -> Self {
        let anonymous = configuration(upstream, "");
        let nowhere = "http://127.0.0.1:1\"";
        let asking = anonymous
            .replace(nowhere, &format!("http://{ghes}\""))
            .replace("anonymous = true\n", "");
        Self::start_with(&asking, "-n 20000").await
    }

    /// The same, with as many file descriptors as these arguments of `ulimit` say.
    pub(crate) async fn start_under(upstream: SocketAddr, more: &str, files: &str) -> Self {
        Self::start_with(&configuration(upstream, more), files).await
    }

    async fn start_with(configuration: &str, files: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ghes-gatekeeper-process-{}-{count}", std::process::id());
        let file = std::env::temp_dir().join(name);
        fs::write(&file, configuration).expect("a file");
        // A limit beyond the hard one stays what it is.
        let script = format!("ulimit {files} 2>/dev/null; exec \"$0\" serve --config \"$1\"");
        let mut process = Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_ghes-gatekeeper")])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the command");
        let output = process.stdout.take().expect("standard output");
        let mut gate = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            lines: BufReader::new(output).lines(),
            process,
            file,
        };
        gate.address = gate.listens_as("gate").await;
        gate
    }

    /// Where the next of its listeners is, which has this role.
    pub(crate) async fn listens_as(&mut self, role: &str) -> SocketAddr {
        let line = self.lines.next_line().await;
        let line = line.expect("standard output").expect("a line");
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|line| line.strip_suffix(&format!(" ({role})")))
            .unwrap_or_else(|| panic!("{line}"));
        address.parse().expect("an address")
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
    let limits = match more.contains("limits.connections") {
        true => "",
        false => MANY_CONNECTIONS,
    };
    // GHES is nowhere, and nobody needs it.
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n{limits}\n{more}\n\
         [ghes]\nurl = \"http://127.0.0.1:1\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"{SECRET}\"\n\
         [[routes]]\npath = \"/\"\nexact = true\nupstream = \"http://{upstream}\"\nanonymous = true\n\
         [webhook]\nlisten = \"127.0.0.1:0\"\nsecret = \"s\"\n"
    )
}

/// Of the emulator's app.
const SECRET: &str = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f";

/// Of one client too, which all are here. To the upstream go few.
const MANY_CONNECTIONS: &str = "limits.connections = 100000\n\
    limits.connections_per_client = 100000\nlimits.upstream_connections = 5000";
