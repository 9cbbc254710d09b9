//! What it costs to sign who is asking, and to verify it.
//!
//! ```sh
//! cargo bench --bench assertion --no-default-features --features assertion
//! ```
//!
//! Measured on two shared cores of an AMD EPYC under Rust 1.95, with other work beside it.
//!
//! | benchmark | `EdDSA` | `ES256` |
//! |---|---|---|
//! | `sign` | 29 µs | 22 µs |
//! | `verify` | 52 µs | 64 µs |
//!
//! What follows from it: a signature costs more than all else that the gate does for a remembered
//! token, so it is an option. It is not remembered: method, path and time make almost every one
//! different, and what is told by one of them is not true of another request.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use ghes_gatekeeper::assertion::{HEADER, Signer, SigningKeys, Verifier};
use ghes_gatekeeper::identity::{Identity, User};
use ghes_gatekeeper::membership::Groups;
use ghes_gatekeeper::scope::Scopes;
use http::{HeaderMap, Method};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

const GATE: &str = "https://gate.example.com";
const TOOL: &str = "http://127.0.0.1:3000";

fn octocat() -> Identity {
    let scopes = Scopes::parse(["public_repo", "user"]).expect("scopes of GitHub's documents");
    Identity::new(User::new("octocat", 1), "Iv1.8a61f9b3a7aba766", 1, scopes)
        .expect("the user of GitHub's documents")
}

fn assertions(criterion: &mut Criterion) {
    let octocat = octocat();
    for (name, algorithm) in [("EdDSA", &PKCS_ED25519), ("ES256", &PKCS_ECDSA_P256_SHA256)] {
        let pem = KeyPair::generate_for(algorithm)
            .expect("a key")
            .serialize_pem();
        let signer = Signer::new(GATE, SigningKeys::from_pem(pem.as_bytes()).expect("a key"));
        let sign = || signer.sign(&octocat, &Groups::default(), TOOL, &Method::GET, "/notes/1");
        criterion.bench_function(&format!("sign/{name}"), |bencher| {
            bencher.iter(|| black_box(sign().expect("random numbers")));
        });
        let verifier = Verifier::new(GATE, TOOL, signer.key_set());
        let headers = HeaderMap::from_iter([(HEADER, sign().expect("random numbers"))]);
        criterion.bench_function(&format!("verify/{name}"), |bencher| {
            bencher.iter(|| {
                let claims = verifier.verify(&headers, &Method::GET, "/notes/1");
                black_box(claims.expect("what was just signed"))
            });
        });
    }
}

criterion_group!(benches, assertions);
criterion_main!(benches);
