use std::time::SystemTime;

use rcgen::{CertificateParams, KeyPair};

use super::*;

fn refused(cert: &str, key: &str) -> String {
    let section = format!("[server.tls]\ncert_file = '{cert}'\nkey_file = '{key}'\n[ghes]");
    errors(&edited("[ghes]", &section), &[])
}

#[test]
fn a_pair_that_cannot_be_served_is_refused() {
    let (cert, key) = certificate();
    let (_, other) = certificate();
    let [cert, key, other, empty, damaged] = [
        &cert,
        &key,
        &other,
        "",
        "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----",
    ]
    .map(TempFile::new);
    let (cert, key, other) = (cert.path(), key.path(), other.path());
    let (empty, damaged) = (empty.path(), damaged.path());
    for (files, error) in [
        (
            (cert, other),
            format!("6: server.tls.key_file: {other:?} is not the key of this certificate"),
        ),
        (
            (cert, empty),
            format!("6: server.tls.key_file: {empty:?} holds no private key; it must be PEM"),
        ),
        (
            (empty, key),
            format!("5: server.tls.cert_file: {empty:?} holds no certificate; it must be PEM"),
        ),
        (
            (damaged, key),
            format!("5: server.tls.cert_file: {damaged:?} is damaged; it must be PEM"),
        ),
        (
            (cert, "/nowhere"),
            "6: server.tls.key_file: cannot read \"/nowhere\": \
             No such file or directory (os error 2)"
                .to_owned(),
        ),
    ] {
        assert_eq!(refused(files.0, files.1), format!("configuration:{error}"));
    }
}

#[test]
fn a_certificate_needs_its_key() {
    let cert = TempFile::new("");
    let section = format!("[server.tls]\ncert_file = '{}'\n[ghes]", cert.path());
    assert_eq!(
        errors(&edited("[ghes]", &section), &[]),
        "configuration:4: server.tls.key_file: missing; write key_file = \"/etc/gate/tls.key\", \
         or set GHES_GATEKEEPER_SERVER__TLS__KEY_FILE"
    );
}

/// A certificate that begins and ends so many days from now, and its key.
fn dated(begin: i64, end: i64) -> [TempFile; 2] {
    let days = |days: i64| {
        let day = Duration::from_secs(24 * 60 * 60);
        let (now, length) = (SystemTime::now(), day * days.unsigned_abs() as u32);
        if days < 0 { now - length } else { now + length }
    };
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["gate.test".to_owned()]).unwrap();
    (params.not_before, params.not_after) = (days(begin).into(), days(end).into());
    let certificate = params.self_signed(&key).unwrap();
    [certificate.pem(), key.serialize_pem()].map(|pem| TempFile::new(&pem))
}

fn warnings(cert: &TempFile, key: &TempFile) -> Vec<String> {
    let (cert, key) = (cert.path(), key.path());
    let section = format!("[server.tls]\ncert_file = '{cert}'\nkey_file = '{key}'\n[ghes]");
    let config = Config::parse(&edited("[ghes]", &section), []).unwrap();
    let mut warnings = config.warnings();
    warnings.retain(|warning| warning.starts_with("server.tls"));
    warnings
}

#[test]
fn a_certificate_that_clients_refuse_now_or_soon_is_warned_about() {
    for (begin, end, words) in [
        (-90, -1, " expired at "),
        (-9000, -8000, " expired at "),
        (1, 90, " is not valid before "),
        (1, 2, " is not valid before "),
        (-76, 13, ", in less than 14 days; renew it"),
        (-1, 1, ", in less than 14 days; renew it"),
    ] {
        let [cert, key] = dated(begin, end);
        let warnings = warnings(&cert, &key);
        let [warning] = &*warnings else {
            panic!("{warnings:?}");
        };
        let start = format!("server.tls.cert_file: {:?}: the certificate ", cert.path());
        assert!(warning.starts_with(&start), "{warning}");
        assert!(warning.contains(words), "{warning}");
    }
}

#[test]
fn a_certificate_that_is_good_for_longer_is_not() {
    for (begin, end) in [(-1, 15), (0, 90), (-9000, 9000)] {
        let [cert, key] = dated(begin, end);
        assert_eq!(warnings(&cert, &key), [""; 0]);
    }
}
