use super::*;

fn proxy_of(toml: &str, environment: &[(&str, &str)]) -> Result<Option<String>, ConfigErrors> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let config = Config::parse(toml, environment.iter().map(owned))?;
    Ok(config.ghes[0].proxy.as_ref().map(ToString::to_string))
}

fn with(line: &str) -> String {
    edited("api_version", &format!("{line}\napi_version"))
}

#[test]
fn the_configuration_goes_before_the_environment() {
    let environment = [("HTTPS_PROXY", "http://b:3128"), ("NO_PROXY", "x")];
    for (toml, proxy) in [
        (GOOD.to_owned(), Some("http://b:3128")),
        (with("proxy = \"http://a:3128\""), Some("http://a:3128")),
        (with("proxy = \"a:3128\""), Some("http://a:3128")),
        (with("proxy = \"none\""), None),
    ] {
        assert_eq!(proxy_of(&toml, &environment).unwrap().as_deref(), proxy);
    }
    let own = [("GHES_GATEKEEPER_GHES__PROXY", "https://c"), environment[0]];
    assert_eq!(proxy_of(GOOD, &own).unwrap().as_deref(), Some("https://c"));
    let excepted = [environment[0], ("NO_PROXY", "example.com")];
    assert_eq!(proxy_of(GOOD, &excepted).unwrap(), None);
    let named = with("proxy = \"http://a:3128\"");
    assert!(proxy_of(&named, &excepted).unwrap().is_some());
    assert_eq!(proxy_of(GOOD, &[]).unwrap(), None);
}

#[test]
fn the_section_alone_is_read_with_the_same_proxy() {
    let environment = || [("https_proxy".to_owned(), "http://b:3128".to_owned())];
    let ghes = GhesConfig::parse(GOOD, environment()).unwrap().remove(0);
    assert_eq!(ghes.proxy.unwrap().to_string(), "http://b:3128");
    let none = GhesConfig::parse(&with("proxy = \"none\""), environment()).unwrap();
    assert!(none[0].proxy.is_none());
}

#[test]
fn a_file_may_hold_the_address_and_its_password() {
    let file = TempFile::new(&format!("http://gate:{SECRET}@a:3128\n"));
    let toml = with(&format!("proxy_file = '{}'", file.path()));
    let config = Config::parse(&toml, []).unwrap();
    assert!(config.ghes[0].proxy.as_ref().unwrap().has_credentials());
    let shown = format!("{config:?} {}", config.to_redacted_toml());
    assert!(
        shown.contains("proxy = \"http://[redacted]@a:3128\""),
        "{shown}"
    );
    assert!(!shown.contains(SECRET), "{shown}");
    let both = with(&format!(
        "proxy = \"http://a\"\nproxy_file = '{}'",
        file.path()
    ));
    assert_eq!(
        errors(&both, &[]),
        "configuration:8: ghes.proxy_file: ghes.proxy is given too (configuration:7); keep one of them"
    );
}

/// `errors` asserts that the report holds no secret.
#[test]
fn what_names_no_proxy_is_refused_and_not_quoted() {
    for (value, told) in [
        (
            format!("socks5://u:{SECRET}@a"),
            "only http:// and https:// proxies can be used",
        ),
        (format!("http://u:{SECRET}@"), "not the URL of a proxy"),
        (format!("http://u:{SECRET}/x@a:1"), "leave out the path"),
        (
            format!("http://[redacted]@a:99999{SECRET}"),
            "not the URL of a proxy",
        ),
        (format!("http://u%3A:{SECRET}@a"), "no header can carry"),
        ("None".to_owned() + " ", "holds more than visible ASCII"),
        (String::new(), "is empty"),
    ] {
        let told_of = errors(&with(&format!("proxy = \"{value}\"")), &[]);
        let begin = format!("configuration:7: ghes.proxy: {told}");
        assert!(
            told_of.starts_with("configuration:7: ghes.proxy: "),
            "{told_of}"
        );
        assert!(told_of.contains(told), "{told_of} {begin}");
    }
    let environment = [("ALL_PROXY", format!("socks5h://u:{SECRET}@a"))];
    let environment = environment.map(|(name, text)| (name.to_owned(), text));
    let told = Config::parse(GOOD, environment).unwrap_err().to_string();
    assert!(
        told.contains("ghes.proxy: absent, and the environment's ALL_PROXY: only http://"),
        "{told}"
    );
    assert!(
        told.contains("write \"none\"") && !told.contains(SECRET),
        "{told}"
    );
}
