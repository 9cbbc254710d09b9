//! `serve` as a service manager runs it: on sockets that it has not made itself, and telling how it
//! does.

mod listeners;
mod notified;
mod refused;
mod under_load;

use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use super::load::PATIENCE;
use super::running::{PROGRAM, Running, by};

/// A folder with a configuration, and the log of who serves by it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("ghes-gatekeeper-restarting-{name}-{}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        fs::create_dir(&folder.0).expect("a directory");
        folder
    }

    /// Writes a configuration with this of the server, and one route.
    fn write(&self, server: &str, ghes: &str) {
        let toml = format!(
            "[server]\n{server}\n[ghes]\nurl = \"http://{ghes}\"\n\
             [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\n\
             client_secret = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
             [[routes]]\npath = \"/\"\nupstream = \"http://{ghes}\"\n"
        );
        fs::write(self.path("serve.toml"), toml).expect("a file");
    }

    fn path(&self, name: &str) -> String {
        let path = self.0.join(name);
        path.to_str().expect("UTF-8").to_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).expect("a log")
    }

    /// `serve`, which `activator` starts on these sockets, in the place of standard input and
    /// error of the shell: this needs no `unsafe`.
    fn on(&self, activator: &[&str], sockets: Vec<OwnedFd>) -> Command {
        let script = "exec 3<&0 4<&2 </dev/null 2>>\"$LOG\"\n\
                      export LISTEN_PID=${LISTEN_PID:-$$}; exec \"$@\"";
        let configuration = self.path("serve.toml");
        let mut arguments = vec!["-c", script, "sh"];
        arguments.extend(activator);
        arguments.extend([PROGRAM, "serve", "--config", &configuration]);
        let mut command = by("sh", &arguments);
        command.env("LISTEN_FDS", sockets.len().to_string());
        command.env("LOG", self.path("log"));
        let mut sockets = sockets.into_iter().map(Stdio::from);
        command.stdin(sockets.next().unwrap_or_else(Stdio::null));
        command.stderr(sockets.next().unwrap_or_else(Stdio::null));
        command
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn emulator() -> (Running, String) {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let address = emulator.address("emulator").await;
    (emulator, address)
}
