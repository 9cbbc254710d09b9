use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

use super::*;

fn key() -> TempFile {
    let key = KeyPair::generate_for(&PKCS_ED25519).unwrap();
    TempFile::new(&key.serialize_pem())
}

/// Puts `[assertion]` at line 16, before the route.
fn with(section: &str) -> String {
    edited("[[routes]]", &format!("[assertion]\n{section}\n[[routes]]"))
}

fn complete(key: &TempFile, more: &str) -> String {
    let path = key.path();
    let issuer = "issuer = 'https://gate.example.com'";
    with(&format!("{issuer}\nkey_files = ['{path}']\n{more}"))
}

#[test]
fn every_key_of_the_section_is_refused_where_it_cannot_be_kept() {
    let key = key();
    let path = key.path();
    let issuer = "issuer = 'https://gate.example.com'";
    let files = format!("key_files = '{path}'");
    let p384 = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap();
    let [p384, empty, damaged] = [
        &*p384.serialize_pem(),
        "",
        "-----BEGIN PRIVATE KEY-----\n?\n-----END PRIVATE KEY-----\n",
    ]
    .map(TempFile::new);
    let read = |file: &TempFile| format!("{issuer}\nkey_files = ['{}']", file.path());
    let refused = |file: &TempFile, why: &str| {
        let path = file.path();
        format!("18: assertion.key_files: {path:?} {why}")
    };
    let not_a_url = "17: assertion.issuer: not a URL; write it like https://gate.example.com";
    let age = "19: assertion.max_age: must be at least 1s and at most 5m";
    for (section, error) in [
        (
            files.clone(),
            "16: assertion.issuer: missing; write issuer = \"https://gate.example.com\", \
             or set GHES_GATEKEEPER_ASSERTION__ISSUER"
                .to_owned(),
        ),
        (format!("issuer = 'gate'\n{files}"), not_a_url.to_owned()),
        (
            format!("issuer = 'ftp://gate'\n{files}"),
            not_a_url.to_owned(),
        ),
        (
            format!("issuer = 'https://gate#a'\n{files}"),
            not_a_url.to_owned(),
        ),
        (
            format!("issuer = 'https://gate?a'\n{files}"),
            not_a_url.to_owned(),
        ),
        (
            format!("issuer = 'https://a@gate'\n{files}"),
            not_a_url.to_owned(),
        ),
        (
            format!("issuer = ''\n{files}"),
            "17: assertion.issuer: must be 1 to 255 visible ASCII characters, like a URL"
                .to_owned(),
        ),
        (
            issuer.to_owned(),
            "16: assertion.key_files: missing; \
             write key_files = [\"/etc/gate/assertion.pem\"], \
             or set GHES_GATEKEEPER_ASSERTION__KEY_FILES"
                .to_owned(),
        ),
        (
            format!("{issuer}\nkey_files = []"),
            "18: assertion.key_files: names no file; write [\"/etc/gate/assertion.pem\"]"
                .to_owned(),
        ),
        (
            format!("{issuer}\nkey_files = ['{path}', '{path}']"),
            format!("18: assertion.key_files: {path:?} is listed twice; keep one"),
        ),
        (
            format!("{issuer}\nkey_files = ['{path}', '/nowhere']"),
            "18: assertion.key_files: cannot read \"/nowhere\": \
             No such file or directory (os error 2)"
                .to_owned(),
        ),
        (
            read(&empty),
            refused(
                &empty,
                "holds no private key; make one with openssl genpkey -algorithm ed25519",
            ),
        ),
        (
            read(&damaged),
            refused(&damaged, "is damaged; it must be PEM"),
        ),
        (
            read(&p384),
            refused(
                &p384,
                "holds a key that cannot be used; \
                 make one with openssl genpkey -algorithm ed25519",
            ),
        ),
        (format!("{issuer}\n{files}\nmax_age = '0s'"), age.to_owned()),
        (
            format!("{issuer}\n{files}\nmax_age = '301s'"),
            age.to_owned(),
        ),
        (
            format!("{issuer}\n{files}\nmax_age = '999ms'"),
            age.to_owned(),
        ),
        (
            format!("{issuer}\n{files}\npublish = 'yes'"),
            "19: assertion.publish: expected true or false, found a string".to_owned(),
        ),
        (
            format!("{issuer}\n{files}\nkey_file = 'x'"),
            "19: assertion.key_file: unknown key; did you mean key_files?".to_owned(),
        ),
    ] {
        assert_eq!(
            errors(&with(&section), &[]),
            format!("configuration:{error}")
        );
    }
}

#[test]
fn an_audience_is_what_the_upstream_is_called() {
    let key = key();
    let signed = complete(&key, "");
    let audience = |toml: &str| {
        let config = Config::parse(toml, []).unwrap();
        config.routes[0].audience.clone()
    };
    assert_eq!(audience(GOOD), None);
    assert_eq!(audience(&signed).as_deref(), Some("http://127.0.0.1:3000"));
    let named = signed.replace("[ghes.limits]", "audience = 'urn:tool'\n[ghes.limits]");
    assert_eq!(audience(&named).as_deref(), Some("urn:tool"));
    let scopes = "scopes = [\"read:org\"]\nanonymous = false";
    let signed = signed.replace("path = \"/\"", "path = \"/a\"");
    let anonymous = signed.replace(scopes, "anonymous = true");
    assert_eq!(audience(&anonymous), None);
}

#[test]
fn an_audience_that_would_mean_nothing_is_refused() {
    let key = key();
    let route = |toml: &str, from: &str, to: &str| {
        assert!(toml.contains(from), "{from}");
        errors(&toml.replace(from, to), &[])
    };
    let signed = complete(&key, "");
    let named = "audience = 'urn:tool'\n[ghes.limits]";
    assert_eq!(
        route(GOOD, "[ghes.limits]", named),
        "configuration:22: routes[0].audience: has no effect without [assertion]; add that, or \
         drop it"
    );
    let scopes = "scopes = [\"read:org\"]\nanonymous = false";
    let anonymous = "anonymous = true\naudience = 'urn:tool'";
    assert_eq!(
        route(
            &signed.replace("path = \"/\"", "path = \"/a\""),
            scopes,
            anonymous
        ),
        "configuration:24: routes[0].audience: has no effect on an anonymous route; drop audience \
         or anonymous"
    );
    let several = "[\"http://127.0.0.1:3000\", \"http://127.0.0.1:3001\"]";
    assert_eq!(
        route(&signed, "\"http://127.0.0.1:3000\"", several),
        "configuration:20: routes[0].audience: missing; several upstreams need one name; \
         write audience = \"https://tool.example.com\""
    );
    let empty = "audience = ''\n[ghes.limits]";
    assert_eq!(
        route(&signed, "[ghes.limits]", empty),
        "configuration:26: routes[0].audience: \
         must be 1 to 255 visible ASCII characters, like a URL"
    );
}

#[test]
fn what_is_printed_is_read_again_and_shows_no_key() {
    let key = key();
    let config = Config::parse(&complete(&key, "publish = true"), []).unwrap();
    let printed = config.to_redacted_toml();
    assert!(printed.contains("\n[assertion]\nissuer = "), "{printed}");
    let pem = fs::read_to_string(key.path()).unwrap();
    let secret = pem.lines().nth(1).unwrap();
    assert!(!printed.contains(secret) && !format!("{config:?}").contains(secret));
    let again = Config::parse(&printed.replace(reader::secret::REDACTED, SECRET), []).unwrap();
    assert_eq!(again.to_redacted_toml(), printed);
}

#[test]
fn the_documented_example_of_it_works() {
    let key = key();
    let (_, section) = Config::EXAMPLE.split_once("# [assertion]").unwrap();
    let section = section
        .replace("\n# ", "\n")
        .replace("/etc/gate/assertion.pem", key.path());
    let toml = format!("{GOOD}[assertion]{section}");
    let default = Config::parse(&complete(&key, ""), []).unwrap();
    let config = Config::parse(&toml, []).unwrap();
    assert_eq!(config.to_redacted_toml(), default.to_redacted_toml());
}
