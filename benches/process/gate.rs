use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, process};

use tokio::time::Instant;

/// The command, serving.
pub(crate) struct Gate {
    pub(crate) address: SocketAddr,
    /// From its start to its first line, which says that it listens.
    pub(crate) started_in: Duration,
    process: Child,
    file: PathBuf,
}

impl Gate {
    pub(crate) fn start(ghes: SocketAddr, upstream: SocketAddr) -> Self {
        let file = env::temp_dir().join(format!("ghes-gatekeeper-bench-{}", process::id()));
        fs::write(&file, configuration(ghes, upstream)).expect("a file");
        let began_at = Instant::now();
        let mut process = Command::new(env!("CARGO_BIN_EXE_ghes-gatekeeper"))
            .args(["serve", "--config"])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the command");
        let mut line = String::new();
        let output = process.stdout.take().expect("standard output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let started_in = began_at.elapsed();
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|line| line.strip_suffix(" (gate)\n"))
            .unwrap_or_else(|| panic!("{line}"));
        Self {
            address: address.parse().expect("an address"),
            started_in,
            process,
            file,
        }
    }

    /// How much memory it has now, in KiB.
    pub(crate) fn memory(&self) -> u64 {
        let status = self.read("status");
        let (_, rest) = status.split_once("VmRSS:").expect("a size");
        let value = rest.split_whitespace().next().expect("a value");
        value.parse().expect("a number")
    }

    /// The processor time that it has used.
    pub(crate) fn time(&self) -> Duration {
        let stat = self.read("stat");
        // The name in parentheses may contain anything; proc(5) counts from 1 before it.
        let (_, fields) = stat.rsplit_once(") ").expect("a name");
        let times = fields.split(' ').skip(14 - 3).take(2);
        let ticks: u64 = times
            .map(|ticks| ticks.parse::<u64>().expect("a number"))
            .sum();
        Duration::from_millis(ticks * 10)
    }

    fn read(&self, name: &str) -> String {
        let file = format!("/proc/{}/{name}", self.process.id());
        fs::read_to_string(file).expect("a running process")
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.file);
    }
}

/// One worker, and limits that this bench does not meet.
fn configuration(ghes: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        "[server]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nworkers = 1\n\
         limits.unknown_tokens_per_second = 100000\nlimits.unknown_tokens_burst = 100000\n\
         [ghes]\nurl = \"http://{ghes}\"\n\
         limits = {{ rate = 100000, burst = 100000 }}\n\
         [[ghes.apps]]\nclient_id = \"abcde12345fghij67890\"\n\
         client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://{upstream}\"\n"
    )
}
