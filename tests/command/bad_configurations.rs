//! T12: forty-six mistakes, none of which the command starts with. Each is told in one line: where it
//! stands, which key it is, and what to do about it.

use super::running::run;

const GOOD: &str = r#"[server]
realm = "tools"
[ghes]
url = "https://ghes.example.com"
[[ghes.apps]]
client_id = "Iv1.8a61f9b3a7aba766"
client_secret = "3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"
[cache]
active_max_age = "60s"
[[routes]]
path = "/a"
upstream = "http://127.0.0.1:3000"
"#;

/// What stands in [`GOOD`], what is written instead, then the line, the key and the cure.
const BAD: [(&str, &str, usize, &str, &str); 46] = [
    (
        "\"Iv1.8a61f9b3a7aba766\"",
        "\"\"",
        6,
        "ghes.apps[0].client_id",
        "copy it from the app's settings page",
    ),
    (
        "\"Iv1.8a61f9b3a7aba766\"",
        "\"a b\"",
        6,
        "ghes.apps[0].client_id",
        "copy it from the app's settings page",
    ),
    (
        "client_id = \"Iv1.8a61f9b3a7aba766\"\n",
        "",
        5,
        "ghes.apps[0].client_id",
        "write client_id = ",
    ),
    (
        "\"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"",
        "\"\"",
        7,
        "ghes.apps[0].client_secret",
        "put the secret there",
    ),
    (
        "\"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"",
        "\"[redacted]\"",
        7,
        "ghes.apps[0].client_secret",
        "put the secret there",
    ),
    (
        "client_secret = ",
        "# ",
        5,
        "ghes.apps[0].client_secret_file",
        "write client_secret_file = ",
    ),
    (
        "client_secret = ",
        "client_secret_file = \"/nowhere\" # ",
        7,
        "ghes.apps[0].client_secret_file",
        "cannot read this file",
    ),
    (
        "[cache]",
        "client_secret_file = \"/nowhere\"\n[cache]",
        8,
        "ghes.apps[0].client_secret_file",
        "keep one of them",
    ),
    (
        "https://ghes",
        "http://ghes",
        4,
        "ghes.url",
        "use https://, or set ghes.allow_insecure_http",
    ),
    (
        "https://ghes.example.com",
        "https://ghes.example.com/api/v3",
        4,
        "ghes.url",
        "leave out the path",
    ),
    (
        "url = \"https://ghes.example.com\"\n",
        "",
        3,
        "ghes.url",
        "write url = ",
    ),
    (
        "url = ",
        "urll = \"\"\nurl = ",
        4,
        "ghes.urll",
        "did you mean url?",
    ),
    (
        "url = ",
        "ca_file = \"/nowhere.pem\"\nurl = ",
        4,
        "ghes.ca_file",
        "/nowhere.pem",
    ),
    (
        "url = ",
        "name = \"EU appliance\"\nurl = ",
        4,
        "ghes.name",
        "write letters, digits, dots and hyphens",
    ),
    (
        "[cache]",
        "[[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n[cache]",
        9,
        "ghes.apps[1].client_id",
        "is that of apps[0] too",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nghes = \"ghes.example.con\"",
        12,
        "routes[0].ghes",
        "did you mean ghes.example.com?",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\napps = [\"another\"]",
        12,
        "routes[0].apps[0]",
        "there are Iv1.8a61f9b3a7aba766",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\napps = []",
        12,
        "routes[0].apps",
        "leave it out to mean all apps",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nanonymous = true\nghes = \"ghes.example.com\"",
        13,
        "routes[0].ghes",
        "drop ghes or anonymous",
    ),
    (
        "\"60s\"",
        "\"0s\"",
        9,
        "cache.active_max_age",
        "more than 0s and at most 1h",
    ),
    (
        "\"60s\"",
        "\"2h\"",
        9,
        "cache.active_max_age",
        "more than 0s and at most 1h",
    ),
    (
        "\"60s\"",
        "60",
        9,
        "cache.active_max_age",
        "a string with units, like \"60s\"",
    ),
    (
        "\"60s\"",
        "\"forever\"",
        9,
        "cache.active_max_age",
        "a string with units, like \"60s\"",
    ),
    (
        "active_max_age = ",
        "stale_if_error = \"1h\"\nactive_max_age = ",
        9,
        "cache.stale_if_error",
        "at most 15m",
    ),
    (
        "active_max_age = ",
        "active_max_age = \"1s\"\nactive_max_age = ",
        10,
        "duplicate key",
        "duplicate key",
    ),
    (
        "active_max_age = ",
        "active_maxage = ",
        9,
        "cache.active_maxage",
        "did you mean active_max_age?",
    ),
    ("[[routes]]", "[routes]", 10, "routes", "expected an array"),
    (
        "path = \"/a\"",
        "path = \"/a/../b\"",
        11,
        "routes[0].path",
        "leave out empty and dot segments",
    ),
    (
        "path = \"/a\"",
        "path = \"/a%2Fb\"",
        11,
        "routes[0].path",
        "could be read in two ways",
    ),
    (
        "path = \"/a\"",
        "path = \"^/a\"",
        11,
        "routes[0].path",
        "there are no patterns here",
    ),
    (
        "path = \"/a\"",
        "path = \"/\"\nanonymous = true",
        12,
        "routes[0].anonymous",
        "name the open paths",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nanonymous = true\nscopes = [\"repo\"]",
        13,
        "routes[0].scopes",
        "drop scopes or anonymous",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nanonymous = \"yes\"",
        12,
        "routes[0].anonymous",
        "expected true or false",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nscope = [\"repo\"]",
        12,
        "routes[0].scope",
        "did you mean scopes?",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nhosts = []",
        12,
        "routes[0].hosts",
        "leave it out to mean all hosts",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nmethods = [\"get\"]",
        12,
        "routes[0].methods[0]",
        "write it in capitals",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nmax_age = \"2h\"",
        12,
        "routes[0].max_age",
        "at most 1h",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nidentity_headers = \"\"",
        12,
        "routes[0].identity_headers",
        "there are x-forwarded, ",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nidentity_headers = \"content-length\"",
        12,
        "routes[0].identity_headers",
        "there are x-forwarded, ",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\ncors = \"*\"",
        12,
        "routes[0].cors",
        "write \"gate\", \"upstream\" or a table",
    ),
    (
        "path = \"/a\"",
        "path = \"/a\"\nresource.url = \"http://tools.test/a\"",
        12,
        "routes[0].resource.url",
        "must be https://",
    ),
    (
        "http://127.0.0.1:3000",
        "127.0.0.1:3000",
        12,
        "routes[0].upstream",
        "write it like http://127.0.0.1:3000",
    ),
    (
        "[[routes]]",
        "[[routes]]\npath = \"/a/\"\nupstream = \"http://b\"\n[[routes]]",
        14,
        "routes[1].path",
        "keep one, or tell them apart",
    ),
    (
        "realm = ",
        "admin_listen = \"0.0.0.0:9901\"\nrealm = ",
        2,
        "server.admin_listen",
        "or set server.admin_allow_remote",
    ),
    (
        "realm = ",
        "trusted_proxies = [\"0.0.0.0/0\"]\nrealm = ",
        2,
        "server.trusted_proxies[0]",
        "name the proxies",
    ),
    (
        "realm = ",
        "listen = \"8080\"\nrealm = ",
        2,
        "server.listen[0]",
        "write it like 127.0.0.1:8080",
    ),
];

#[tokio::test]
async fn forty_six_bad_configurations_are_refused_in_one_line_each() {
    let file =
        std::env::temp_dir().join(format!("ghes-gatekeeper-bad-{}.toml", std::process::id()));
    let arguments = ["check", "config", "--config", file.to_str().expect("UTF-8")];
    std::fs::write(&file, GOOD).expect("a file");
    assert_eq!(run(&arguments).await.status.code(), Some(0));
    for (from, to, line, key, cure) in BAD {
        assert!(GOOD.contains(from), "{from}");
        std::fs::write(&file, GOOD.replacen(from, to, 1)).expect("a file");
        let output = run(&arguments).await;
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{to}");
        assert!(output.stdout.is_empty());
        let start = format!("{}:{line}: {key}", file.display());
        assert!(errors.starts_with(&start), "{start}\n{errors}");
        assert!(errors.contains(cure), "{cure}\n{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert!(!errors.contains("3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f"));
    }
    std::fs::remove_file(&file).expect("the file");
}
