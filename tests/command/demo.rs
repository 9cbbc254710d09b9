//! `demo` does what it prints.

use tokio::process::Command;

use super::running::Running;

/// Reads what the demo prints, up to the last line.
async fn lines_to_try(demo: &mut Running) -> Vec<(u16, String)> {
    let mut lines = Vec::new();
    let mut expected = 0;
    loop {
        let line = demo.line().await;
        if line == "Ctrl-C ends it." {
            return lines;
        }
        if let Some(command) = line.strip_prefix("  ") {
            lines.push((expected, command.to_owned()));
        } else if let Some((_, status)) = line.rsplit_once(": ") {
            expected = status.parse().unwrap_or_default();
        }
    }
}

async fn has_curl() -> bool {
    Command::new("curl").arg("--version").output().await.is_ok()
}

/// The lines that the demo prints, pasted into a shell.
#[tokio::test]
async fn the_lines_work_when_pasted() {
    let mut demo = Running::start(&["demo", "--listen", "127.0.0.1:0"]);
    for role in ["emulator", "upstream", "gate"] {
        demo.address(role).await;
    }
    let lines = lines_to_try(&mut demo).await;
    let statuses: Vec<u16> = lines.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [401, 401, 200, 403]);
    if !has_curl().await {
        assert!(std::env::var_os("CI").is_none(), "CI has curl");
        eprintln!("skipped: curl is not installed");
        return;
    }
    for (status, line) in lines {
        let output = Command::new("sh").args(["-c", &line]).output().await;
        let response = String::from_utf8(output.expect("sh").stdout).expect("UTF-8");
        let expected = format!("HTTP/1.1 {status} ");
        assert!(response.starts_with(&expected), "{line}\n{response}");
        let described = match status {
            200 => "\nx-forwarded-user: octocat\n",
            401 => "\nwww-authenticate: Bearer realm=\"ghes\"",
            _ => "error=\"insufficient_scope\", scope=\"admin:org\"",
        };
        assert!(response.contains(described), "{line}\n{response}");
    }
    assert_eq!(demo.stop("-TERM").await, Some(0));
}

#[tokio::test]
async fn ctrl_c_ends_it_cleanly() {
    let mut demo = Running::start(&["demo", "--listen", "127.0.0.1:0"]);
    lines_to_try(&mut demo).await;
    assert_eq!(demo.stop("-INT").await, Some(0));
}

/// Two people may try it on one machine.
#[tokio::test]
async fn a_taken_port_is_no_obstacle() {
    let mut demos = [Running::start(&["demo"]), Running::start(&["demo"])];
    let mut gates = Vec::new();
    for demo in &mut demos {
        demo.address("emulator").await;
        demo.address("upstream").await;
        gates.push(demo.address("gate").await);
    }
    assert_ne!(gates[0], gates[1]);
}
