//! What holds of the files themselves.

use std::fs;

use super::scene::FOLDER;
use crate::fronts::Front;

fn lines(folder: &str, file: &str) -> Vec<String> {
    let path = format!("{}/{folder}/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).expect("an example");
    let lines = text.lines().map(str::trim);
    let said = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    said.map(str::to_owned).collect()
}

/// What protects tools from forged identities is tested with the files without a login.
#[test]
fn a_file_with_a_login_has_all_that_the_one_without_has() {
    let fronts = [
        Front::Nginx,
        Front::Caddy,
        Front::Traefik,
        Front::EnvoyHttp,
        Front::EnvoyGrpc,
    ];
    for file in fronts.into_iter().flat_map(Front::files) {
        let with_login = lines(FOLDER, file);
        let mut rest = with_login.iter();
        for line in lines("examples/fronts", file) {
            let wider = match &*line {
                "authResponseHeaders: [Authorization]" => {
                    "authResponseHeaders: [Authorization, Cookie]"
                }
                "- { exact: sec-websocket-protocol }" => "- { prefix: sec-websocket- }",
                line => line,
            };
            assert!(rest.any(|other| other == wider), "{file}: {line}");
        }
        assert!(with_login.len() >= lines("examples/fronts", file).len());
    }
}
