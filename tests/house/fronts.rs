//! The configurations of `examples/fronts` are understood by those that they are for.
//!
//! What they do is in `tests/fronts`. Kubernetes has no server that starts here, so its
//! manifests are held against published schemas. Of Envoy Gateway and Contour no registry has one:
//! of theirs only what is common to all is looked at.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

/// Manifests of which a schema is published in a registry, and what it says of each.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "istio.yaml",
        &["AuthorizationPolicy: good", "EnvoyFilter: good"],
    ),
    (
        // The schema is of the standard channel, whose filters are one fewer. It has the rest of it.
        "gateway-api.yaml",
        &[
            "HTTPRoute: data/spec/rules/0/filters/0/type must be equal to one of the allowed values",
            "ReferenceGrant: good",
        ],
    ),
    (
        "envoy-gateway.yaml",
        &[
            "SecurityPolicy: unknown",
            "ClientTrafficPolicy: unknown",
            "ReferenceGrant: good",
        ],
    ),
    (
        "contour.yaml",
        &["ExtensionService: unknown", "HTTPProxy: unknown"],
    ),
];

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What `.ci/run` has installed and named in the environment.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn installed(variable: &str) -> Option<String> {
    let value = env::var(variable).ok();
    if value.is_none() {
        assert!(env::var_os("CI").is_none(), "CI has {variable}");
        eprintln!("skipped: {variable} is not set");
    }
    value
}

fn run(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"))
}

fn verdicts(file: &Path) -> Option<Vec<String>> {
    installed("KUBERNETES_MODELS")?;
    let script = in_tree("tests/fronts/validate.mjs");
    let arguments = [script.to_str()?, file.to_str()?];
    let output = run("node", &arguments);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stdout);
    Some(said.lines().map(str::to_owned).collect())
}

#[test]
fn manifests_are_what_published_schemas_describe() {
    for (name, expected) in KNOWN {
        let Some(verdicts) = verdicts(&in_tree("examples/fronts").join(name)) else {
            return;
        };
        assert_eq!(verdicts, *expected, "{name}");
    }
}

#[test]
fn a_manifest_that_is_wrong_would_be_found() {
    for (name, right, wrong) in [
        ("istio.yaml", "action: CUSTOM", "action: CUSTOMARY"),
        ("istio.yaml", "operation: MERGE", "operation: MARRY"),
        ("gateway-api.yaml", "protocol: GRPC", "protocol: GOPHER"),
        ("gateway-api.yaml", "protocol: GRPC", "port: 8081"),
    ] {
        let text = fs::read_to_string(in_tree("examples/fronts").join(name)).expect("the file");
        assert!(text.contains(right), "{name}: {right}");
        let file = env::temp_dir().join(format!(
            "ghes-gatekeeper-wrong-{}-{}.yaml",
            wrong.len(),
            std::process::id()
        ));
        fs::write(&file, text.replace(right, wrong)).expect("a file");
        let verdicts = verdicts(&file);
        fs::remove_file(&file).expect("the file");
        let Some(verdicts) = verdicts else { return };
        let of_file = KNOWN.iter().find(|(known, _)| *known == name);
        assert_ne!(verdicts, of_file.expect("a known file").1, "{wrong}");
    }
}

#[test]
fn what_is_kubernetes_own_is_what_its_api_describes() {
    let Some(program) = installed("KUBERNETES_VALIDATE") else {
        return;
    };
    let file = in_tree("examples/fronts/kubernetes-gate.yaml");
    let validated = |file: &Path| {
        let output = run(&program, &["--strict", file.to_str().expect("UTF-8")]);
        output.status.success()
    };
    assert!(validated(&file));
    let text = fs::read_to_string(&file).expect("the file");
    let wrong = env::temp_dir().join(format!("ghes-gatekeeper-core-{}.yaml", std::process::id()));
    fs::write(&wrong, text.replace("appProtocol", "protocoll")).expect("a file");
    assert!(!validated(&wrong));
    fs::remove_file(&wrong).expect("the file");
}
