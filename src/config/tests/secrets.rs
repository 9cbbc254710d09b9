use super::*;

fn with_secret_file(path: &str) -> String {
    let line = format!("client_secret = \"{SECRET}\"");
    edited(&line, &format!("client_secret_file = '{path}'"))
}

fn secret_of(text: &str) -> Result<String, ConfigErrors> {
    let file = TempFile::new(text);
    let config = Config::parse(&with_secret_file(file.path()), [])?;
    Ok(config.ghes[0].apps[0]
        .client_secret
        .expose_secret()
        .to_owned())
}

#[test]
fn the_line_break_at_the_end_of_a_secret_file_is_no_part_of_it() {
    for end in ["", "\n", "\r\n"] {
        assert_eq!(secret_of(&format!("{SECRET}{end}")).unwrap(), SECRET);
    }
}

#[test]
fn a_secret_file_that_holds_no_secret_is_refused() {
    for (text, error) in [
        ("", "is empty"),
        ("\n", "is empty"),
        ("two lines\nof text\n", "holds more than visible ASCII"),
        ("\u{feff}secret", "holds more than visible ASCII"),
    ] {
        let errors = secret_of(text).unwrap_err().to_string();
        let start = "configuration:10: ghes.apps[0].client_secret_file: ";
        assert!(errors.starts_with(&format!("{start}{error}")), "{errors}");
    }
    let missing = errors(&with_secret_file("/nowhere/at/all"), &[]);
    assert!(
        missing.contains("client_secret_file: cannot read this file: "),
        "{missing}"
    );
    let directory = errors(&with_secret_file(temp_dir().to_str().unwrap()), &[]);
    assert!(directory.contains("client_secret_file: cannot read this file: "));
}

#[test]
fn a_secret_in_both_the_file_and_the_environment_is_refused() {
    let both = errors(GOOD, &[("GHES__APPS__0__CLIENT_SECRET_FILE", "/nowhere")]);
    assert_eq!(
        both,
        "GHES_GATEKEEPER_GHES__APPS__0__CLIENT_SECRET_FILE: ghes.apps[0].client_secret_file: \
         ghes.apps[0].client_secret is given too (configuration:10); keep one of them"
    );
}

/// `errors` asserts that the report holds no secret.
#[test]
fn no_error_echoes_the_secret() {
    let quoted = format!("\"{SECRET}\"");
    for (from, to) in [
        ("client_secret = ", "client_secrt = "),
        ("client_secret = ", "client_secret_file = "),
        ("client_secret = ", "client_secret "),
        ("client_secret = ", "client_id = "),
        ("client_secret = ", "client_secret.x = "),
        (&quoted, SECRET),
        (&quoted, &format!("\"{SECRET}")),
        (&quoted, &format!("[\"{SECRET}\"]")),
        (&quoted, &format!("\"{SECRET}\\q\"")),
        (&quoted, &format!("\"{SECRET}\\n\"")),
        ("Iv1.8a61f9b3a7aba766", &format!(":{SECRET}")),
        ("https://ghes", &format!("https://{SECRET}@ghes")),
        (
            "http://127.0.0.1:3000",
            &format!("http://u:{SECRET}@127.0.0.1"),
        ),
        (
            "http://127.0.0.1:3000",
            &format!("http://127.0.0.1/?{SECRET}"),
        ),
        ("127.0.0.1:8080", SECRET),
        ("60s", SECRET),
    ] {
        errors(&edited(from, to), &[]);
    }
    errors(
        GOOD,
        &[("GHES__APPS__0__SECRET", SECRET), ("TOKEN", SECRET)],
    );
}

#[test]
fn nothing_prints_the_secret() {
    let webhook = format!("[webhook]\nlisten = \"127.0.0.1:0\"\nsecret = \"{SECRET}\"\n");
    let config = Config::parse(&format!("{GOOD}{webhook}"), []).unwrap();
    assert!(!format!("{config:?} {config:#?}").contains(SECRET));
    let printed = config.to_redacted_toml();
    assert!(!printed.contains(SECRET));
    assert_eq!(printed.matches("secret = \"[redacted]\"").count(), 2);
}

#[test]
fn the_next_secret_is_a_secret_too() {
    let line = format!("client_secret_next = \"{NEXT_SECRET}\"\n[cache]");
    let config = Config::parse(&edited("[cache]", &line), []).unwrap();
    let next = config.ghes[0].apps[0].client_secret_next.as_ref().unwrap();
    assert_eq!(next.expose_secret(), NEXT_SECRET);
    let printed = config.to_redacted_toml();
    assert!(printed.contains("client_secret_next = \"[redacted]\""));
    assert!(!format!("{config:?} {printed}").contains(NEXT_SECRET));
    let none = Config::parse(GOOD, []).unwrap();
    assert!(none.ghes[0].apps[0].client_secret_next.is_none());
}

#[test]
fn what_is_printed_is_a_configuration_but_for_the_secret() {
    let ca = TempFile::new(CA);
    let toml = edited(
        "[[ghes.apps]]",
        &format!("ca_file = '{}'\n[[ghes.apps]]", ca.path()),
    );
    let printed = Config::parse(&toml, []).unwrap().to_redacted_toml();
    assert!(errors(&printed, &[]).contains("is the placeholder of a printed configuration"));
    let again = Config::parse(&printed.replace("[redacted]", SECRET), []).unwrap();
    assert_eq!(again.to_redacted_toml(), printed);
    assert_eq!(again.ghes[0].apps[0].client_secret.expose_secret(), SECRET);
    for line in GOOD
        .lines()
        .filter(|line| !line.contains("secret") && !line.contains("60s"))
    {
        assert!(printed.contains(line), "{line}");
    }
    assert!(printed.contains("active_max_age = \"1m\""));
}

#[test]
fn a_ca_file_holds_roots_and_nothing_else() {
    for (text, error) in [
        (String::new(), "holds no certificate; it must be PEM"),
        ("not PEM".to_owned(), "holds no certificate; it must be PEM"),
        (
            CA[..200].to_owned(),
            "is damaged; it must hold certificates as PEM",
        ),
        (
            format!("{CA}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "holds a certificate that cannot be a root",
        ),
    ] {
        let ca = TempFile::new(&text);
        let toml = edited("url = ", &format!("ca_file = '{}'\nurl = ", ca.path()));
        let expected = format!("configuration:5: ghes.ca_file: {:?} {error}", ca.path());
        assert_eq!(errors(&toml, &[]), expected);
    }
    let toml = edited("url = ", "ca_file = '/nowhere.pem'\nurl = ");
    let missing = errors(&toml, &[]);
    assert!(
        missing.contains("ghes.ca_file: cannot read \"/nowhere.pem\": "),
        "{missing}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = Config::load(Some(Path::new("/nowhere/gatekeeper.toml")), []).unwrap_err();
    let missing = missing.to_string();
    assert!(
        missing.starts_with("/nowhere/gatekeeper.toml: cannot be read: "),
        "{missing}"
    );
    assert!(
        missing.contains("; create it with at least ghes.url"),
        "{missing}"
    );
    let file = TempFile::new(&edited("url = ", "urll = "));
    let wrong = Config::load(Some(&file.0), []).unwrap_err().to_string();
    assert!(
        wrong.contains(&format!("{}:5: ghes.urll: unknown key", file.path())),
        "{wrong}"
    );
    assert!(Config::load(Some(&TempFile::new(GOOD).0), []).is_ok());
}

/// A secret that lost its key stands where a key belongs.
#[test]
fn a_secret_in_the_place_of_a_key_is_not_repeated() {
    for secret in [
        "gho_canary",
        "github_pat_canary",
        "3ef4ad510c59ad37bac6bb4f80047fb3canary00",
        "Canary",
        "canary with spaces",
        "https://user:canary@proxy",
    ] {
        for toml in [
            format!("\"{secret}\" = 1\n{GOOD}"),
            format!("{GOOD}\"{secret}\" = \"x\"\n"),
            format!("{GOOD}\"{secret}\".below = 1\n"),
            format!("[\"{secret}\"]\na = 1\n{GOOD}"),
            format!("[[\"{secret}\"]]\na = 1\n{GOOD}"),
            edited("[ghes]", &format!("[ghes]\n\"{secret}\" = 1")),
            format!("{secret} = x\n{GOOD}"),
            format!("{secret}\n{GOOD}"),
            format!("\"{secret}\" = 1\n\"{secret}\" = 1\n{GOOD}"),
        ] {
            let errors = errors(&toml, &[]).to_ascii_lowercase();
            assert!(errors.starts_with("configuration:"), "{errors}");
            assert!(!errors.contains("canary"), "{errors}");
        }
    }
    for name in [
        "gho_CANARY",
        "GHES__GHO_CANARY",
        "GHES__CANARY123456",
        "CANARY=A",
    ] {
        let errors = errors(GOOD, &[(name, "1")]);
        assert!(!errors.to_ascii_lowercase().contains("canary"), "{errors}");
    }
}
