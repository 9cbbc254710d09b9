//! The comparison with other proxies in `benches/peers` still runs.

use std::path::Path;
use std::process::{Command, Output};

/// Runs the comparison with these arguments; none if something that it needs is not installed.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn compare(arguments: &[&str]) -> Option<Output> {
    let needed = [
        ("python3", "--version"),
        ("nginx", "-v"),
        ("h2load", "--version"),
        ("openssl", "version"),
    ];
    for (program, version) in needed {
        if Command::new(program).arg(version).output().is_err() {
            assert!(std::env::var_os("CI").is_none(), "CI has {program}");
            eprintln!("skipped: {program} is not installed");
            return None;
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers/compare.py");
    let binary = ["--binary", env!("CARGO_BIN_EXE_ghes-gatekeeper")];
    let mut command = Command::new("python3");
    // Its compiled modules do not belong into the source.
    command.arg("-B").arg(script).args(binary).args(arguments);
    Some(command.output().expect("an exit"))
}

/// The first two cells of the only row of a table in Markdown.
fn first_cells(output: &str) -> Vec<&str> {
    let mut rows = output.lines().filter(|line| line.starts_with("| "));
    let row = rows.nth(2).unwrap_or_else(|| panic!("{output}"));
    row.split('|').skip(1).map(str::trim).take(2).collect()
}

#[test]
fn ours_can_be_measured() {
    let arguments = ["--quick", "--markdown", "--only", "ours"];
    let Some(output) = compare(&arguments) else {
        return;
    };
    let (said, complaints) = (&output.stdout, &output.stderr);
    let said = String::from_utf8_lossy(said);
    let complaints = String::from_utf8_lossy(complaints);
    assert!(output.status.success(), "{complaints}");
    let cells = first_cells(&said);
    assert!(cells[0].starts_with("ghes-gatekeeper, gated"), "{said}");
    let processor_us: f64 = cells[1].parse().expect("a number");
    assert!(processor_us > 1.0, "{said}");
}

#[test]
fn what_cannot_be_measured_is_said_in_one_line_and_is_a_failure() {
    let Some(output) = compare(&["--quick", "--only", "ours", "--binary", "/nowhere/gate"]) else {
        return;
    };
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert_eq!(complaints.trim_end().lines().count(), 1, "{complaints}");
    assert!(
        complaints.starts_with("/nowhere/gate is not there"),
        "{complaints}"
    );
}
