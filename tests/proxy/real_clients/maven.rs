//! Maven, which fetches the parent of a project from a gated repository.

use std::fs;

use bytes::Bytes;
use ghes_gatekeeper::emulator::Fault;
use http::StatusCode;

use super::site::files;
use super::{run, text};
use crate::TOKEN;
use crate::support::{Gate, route};
use crate::upstreams::temporary;

const PARENT: &str = "<project><modelVersion>4.0.0</modelVersion><groupId>com.example</groupId>\
    <artifactId>parent</artifactId><version>1</version><packaging>pom</packaging></project>";

const PROJECT: &str = "<project><modelVersion>4.0.0</modelVersion><parent>\
    <groupId>com.example</groupId><artifactId>parent</artifactId><version>1</version>\
    <relativePath/></parent><artifactId>tool</artifactId><packaging>pom</packaging></project>";

/// Everything is fetched from the gate, so that no test depends on Maven Central.
fn settings(gate: &Gate, password: &str) -> String {
    let address = gate.address;
    format!(
        "<settings><mirrors><mirror><id>gated</id><mirrorOf>*</mirrorOf>\
         <url>http://{address}/maven</url><blocked>false</blocked></mirror></mirrors>\
         <servers><server><id>gated</id><username>octocat</username>\
         <password>{password}</password></server></servers></settings>"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn maven_fetches_from_a_gated_repository() {
    let home = temporary("maven");
    fs::create_dir(&home.0).expect("a directory");
    let tool = files(vec![(
        "/maven/com/example/parent/1/parent-1.pom".to_owned(),
        "application/xml",
        Bytes::from(PARENT),
    )])
    .await;
    for basic in ["true", "\"only\""] {
        let gate = Gate::start(&route("/", tool, &format!("basic = {basic}"))).await;
        let revoked = gate.ghes.mint("Iv1.8a61f9b3a7aba766", "octocat", &[], None);
        let revoked = revoked.expect("a token");
        assert!(gate.ghes.revoke(&revoked));
        for (password, fails, says) in [
            (TOKEN, false, ""),
            ("gho_nobody", false, "401"),
            (&revoked, false, "401"),
            ("gho_unknown", true, "503"),
        ] {
            if fails {
                let fault = Fault::status(StatusCode::BAD_GATEWAY).times(99);
                gate.ghes.fail(fault);
            }
            let project = home.0.join(password);
            let _ = fs::remove_dir_all(&project);
            fs::create_dir(&project).expect("a directory");
            fs::write(project.join("pom.xml"), PROJECT).expect("a file");
            fs::write(project.join("settings.xml"), settings(&gate, password)).expect("a file");
            let arguments = [
                "-q",
                "-B",
                "-s",
                "settings.xml",
                "-Dmaven.repo.local=repository",
                "validate",
            ];
            let Some(output) = run(&project, "mvn", &arguments).await else {
                return;
            };
            let said = text(&output);
            assert_eq!(
                output.status.success(),
                says.is_empty(),
                "{password}: {said}"
            );
            assert!(said.contains(says), "{password}: {said}");
        }
    }
}
