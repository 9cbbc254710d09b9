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
