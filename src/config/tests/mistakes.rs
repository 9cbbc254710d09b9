//! What people write who know another proxy, TOML from afar, or only half of the manual.

use super::*;

#[test]
fn a_key_below_the_wrong_header_is_told_where_it_belongs() {
    let after = |header: &str| format!("forward_token = false\n{header}\n");
    for (from, to, error) in [
        (
            "[server]\n",
            "[server]\n[[routes]]\npath = \"/x\"\nupstream = \"http://127.0.0.1:1\"\n",
            "5: routes[0].listen: unknown key here; it belongs to [server]",
        ),
        (
            "forward_token = false\n",
            "listen = [\"127.0.0.1:1\"]\n",
            "21: routes[0].listen: unknown key here; it belongs to [server]",
        ),
        (
            "forward_token = false\n",
            &after("[routes.cors]\nallow_origins = [\"https://a.test\"]\nforward_token = true"),
            "24: routes[0].cors.forward_token: unknown key here; it belongs to [[routes]]",
        ),
        (
            "[cache]",
            "[tls]\ncert_file = \"/etc/gate/tls.crt\"\n[cache]",
            "11: tls: unknown key here; it belongs to [server]",
        ),
        (
            "[cache]",
            "[[apps]]\nclient_id = \"a\"\n[cache]",
            "11: apps: unknown key here; it belongs to [[routes]] or to [ghes]",
        ),
        (
            "[server]\n",
            "[server]\nclient_secret = \"a\"\n",
            "2: server.client_secret: unknown key here; it belongs to [[ghes.apps]]",
        ),
        (
            "[server]\n",
            "[server]\nwebhook = \"0.0.0.0:8082\"\n",
            "2: server.webhook: unknown key here; it belongs to the top of the file",
        ),
    ] {
        let text = errors(&edited(from, to), &[]);
        let lines: Vec<&str> = text.lines().collect();
        let told = format!("configuration:{error}");
        assert!(lines.contains(&&*told), "{told}\n{text}");
    }
}

#[test]
fn one_underscore_too_few_is_told_with_the_name_that_was_meant() {
    for (name, meant) in [
        ("SERVER_LISTEN", "SERVER__LISTEN"),
        ("SERVER_ADMIN_LISTEN", "SERVER__ADMIN_LISTEN"),
        ("GHES_APPS_0_CLIENT_SECRET", "GHES__APPS__0__CLIENT_SECRET"),
        ("SERVER__TIMEOUTS_DRAIN", "SERVER__TIMEOUTS__DRAIN"),
    ] {
        let text = errors(GOOD, &[(name, "1")]);
        let told = format!(
            "unknown key; did you mean {PREFIX}{meant}, with two underscores between levels?"
        );
        assert!(text.ends_with(&told), "{text}");
    }
}

#[test]
fn tables_in_the_wrong_order_are_told_how_to_be_written() {
    let table = "duplicate key; write a table once, as [a], or several times, each as [[a]]; put \
     its parts, such as [a.b], after it";
    for (from, to, line) in [
        (
            "[[routes]]",
            "[routes.cors]\nallow_origins = []\n[[routes]]",
            18,
        ),
        ("[cache]", "[ghes]\n[cache]", 11),
        ("[cache]", "[[ghes]]\n[cache]", 11),
        ("[ghes.limits]", "[routes]\n[ghes.limits]", 22),
        (
            "[ghes.limits]",
            "[routes.cors]\n[routes.cors]\n[ghes.limits]",
            23,
        ),
    ] {
        let text = errors(&edited(from, to), &[]);
        assert_eq!(text, format!("configuration:{line}: {table}"));
    }
}

#[test]
fn text_without_quotes_is_told_with_its_key() {
    let cure = "; put text in quotes, and write true, false and numbers without";
    for (from, to, start) in [
        ("\"tools\"", "tools", "3: realm: "),
        ("\"https://ghes.example.com\"", "https://ghes", "5: url: "),
        ("\"60s\"", "60s", "12: active_max_age: "),
        ("anonymous = false", "anonymous = False", "20: anonymous: "),
        ("anonymous = false", "anonymous = no", "20: anonymous: "),
        (
            "\"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"",
            SECRET,
            "10: client_secret: ",
        ),
    ] {
        let text = errors(&edited(from, to), &[]);
        assert!(
            text.starts_with(&format!("configuration:{start}")),
            "{text}"
        );
        assert!(text.ends_with(cure), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn values_of_other_proxies_are_refused() {
    refused::assert_refused(&[
        (
            "path = \"/\"",
            "path = \"/a/*\"",
            "17: routes[0].path: there are no patterns here, and * would be a letter; end the path \
             before it, as it stands for all below unless it is exact, or write %2A if the letter is \
             meant",
        ),
        (
            "\"Iv1.8a61f9b3a7aba766\"",
            "\"12345\"",
            "9: ghes.apps[0].client_id: is the number of an app; write its client id, which stands \
             below it",
        ),
        (
            "[ghes.limits]\nconcurrency = 64",
            "[ghes.limits]\nconcurrency = \"64\"",
            "23: ghes.limits.concurrency: expected an integer, found a string; leave out the quotes",
        ),
        (
            "anonymous = false",
            "users = \"octocat\"",
            "20: routes[0].users: expected an array, found a string; put it in brackets",
        ),
        (
            "[\"127.0.0.1:8080\"]",
            "[\"127.0.0.1:8080\", \"127.0.0.1:8080\"]",
            "2: server.listen: 127.0.0.1:8080 is listed twice; keep one",
        ),
        (
            "realm = ",
            "admin_listen = \"127.0.0.1:8080\"\nrealm = ",
            "3: server.admin_listen: is in listen too; give it another port",
        ),
        (
            "[\"127.0.0.1:8080\"]",
            "[\"unix:/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\
             aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]",
            "2: server.listen[0]: too long for the path of a socket, which has 107 bytes at most",
        ),
    ]);
    let any = "[\"127.0.0.1:0\", \"127.0.0.1:0\"]\nadmin_listen = \"127.0.0.1:0\"";
    assert!(Config::parse(&edited("[\"127.0.0.1:8080\"]", any), []).is_ok());
}

#[test]
fn what_stands_for_a_secret_is_not_taken_for_it() {
    for (value, cure) in [
        (
            format!("'{SECRET}'"),
            "has quotes around it; leave them out",
        ),
        (
            format!("\\\"{SECRET}\\\""),
            "has quotes around it; leave them out",
        ),
        (
            "${CLIENT_SECRET}".to_owned(),
            "variables are not expanded here; put the secret into a file",
        ),
        (
            "/run/secrets/client".to_owned(),
            "is a path; name files by the key that ends in _file",
        ),
        (
            format!("CLIENT_SECRET={SECRET}"),
            "has the name of a variable before it; put the secret alone there",
        ),
    ] {
        let text = errors(&edited(SECRET, &value), &[]);
        let told = format!("configuration:10: ghes.apps[0].client_secret: {cure}");
        assert_eq!(text, told);
    }
    for odd in ["=", "a=b", "\\\"", "$x", "{x}", "p/q", "SECRET"] {
        assert!(Config::parse(&edited(SECRET, odd), []).is_ok(), "{odd}");
    }
}

#[test]
fn what_has_no_effect_is_warned_about() {
    let warnings = |from, to| Config::parse(&edited(from, to), []).unwrap().warnings();
    let open = "scopes = []\nanonymous = false\nhosts = [\"a.test\", \"B.test.\"]";
    let open = edited("scopes = [\"read:org\"]\nanonymous = false", open);
    let warned = |allowed: &str| {
        let toml = open.replace(
            "realm = ",
            &format!("allowed_hosts = [{allowed}]\nrealm = "),
        );
        Config::parse(&toml, []).unwrap().warnings()
    };
    assert!(Config::parse(&open, []).unwrap().warnings().is_empty());
    assert!(warned("\"A.test\", \"b.test\"").is_empty());
    assert_eq!(
        warned("\"a.test\""),
        [
            "routes[0].hosts: b.test is not in server.allowed_hosts, so no request for it gets \
             here; add it there, or drop it"
        ]
    );
    let scopes = "scopes = [\"read:org\"]";
    assert!(warnings(scopes, "max_age = \"60s\"").is_empty());
    assert_eq!(
        warnings(scopes, "max_age = \"61s\""),
        [
            "routes[0].max_age: a limit above cache.active_max_age has no effect; drop it, or \
             lower it"
        ]
    );
}

#[test]
fn routes_that_are_passed_by_are_warned_about() {
    let routes = |tables: &[(&str, &str)], allowed: &str| {
        let tables = tables.iter().map(|(path, keys)| {
            format!("[[routes]]\npath = '{path}'\nupstream = 'http://127.0.0.1:1'\n{keys}\n")
        });
        let ghes = "[ghes]\nurl = 'https://ghes.test'\n[[ghes.apps]]\nclient_id = 'a'\nclient_secret = 'b'\n";
        let toml = format!("{allowed}{ghes}{}", tables.collect::<String>());
        Config::parse(&toml, []).unwrap().warnings()
    };
    let (open, root) = ("anonymous = true", "users = ['root']");
    let inside = [("/pub", open), ("/pub/admin", ""), ("/x", "")];
    assert_eq!(
        routes(&inside, ""),
        [
            "routes[1].path: /pub/admin asks for a token inside /pub, which routes[0] opens; upper \
             and lower case differ, and other spellings of it get 400; keep the two apart if the \
          upstream reads them alike"
        ]
    );
    for apart in [
        [("/pub", open), ("/public", "")],
        [
            ("/pub", "anonymous = true\nexact = true"),
            ("/pub/admin", ""),
        ],
        [
            ("/pub", "anonymous = true\nhosts = ['a.test']"),
            ("/pub/admin", "hosts = ['b.test']"),
        ],
        [("/pub", ""), ("/pub/admin", root)],
        [("/pub", open), ("/pub/more", open)],
        [("/Admin", root), ("/admin/x", "")],
        [("/Admin", root), ("/admin", root)],
    ] {
        assert_eq!(routes(&apart, ""), [""; 0], "{apart:?}");
    }

    let alike = routes(&[("/Admin", root), ("/admin", "")], "");
    let line = "routes[0].path: /Admin and /admin of routes[1] differ only by case";
    assert!(alike[0].starts_with(line) && alike.len() == 2, "{alike:?}");

    let named = [
        ("/", ""),
        ("/admin", "hosts = ['b.test']\nusers = ['root']"),
    ];
    let line =
        "routes[1].hosts: a request for another host reaches http://127.0.0.1:1 by routes[0]";
    let warned = routes(&named, "");
    assert!(
        warned[0].starts_with(line) && warned.len() == 1,
        "{warned:?}"
    );
    assert_eq!(
        routes(&named, "[server]\nallowed_hosts = ['a.test', 'b.test']\n").len(),
        1
    );
    assert_eq!(
        routes(&named, "[server]\nallowed_hosts = ['B.test']\n"),
        [""; 0]
    );
    for apart in [
        [
            ("/", root),
            ("/admin", "hosts = ['b.test']\nusers = ['root']"),
        ],
        [
            ("/x", ""),
            ("/admin", "hosts = ['b.test']\nusers = ['root']"),
        ],
        [
            ("/", "hosts = ['a.test']"),
            ("/admin", "hosts = ['b.test']\nusers = ['root']"),
        ],
    ] {
        assert_eq!(routes(&apart, ""), [""; 0], "{apart:?}");
    }
}

/// Its default stands there instead, which is not in the file.
#[test]
fn what_could_not_be_read_is_not_held_against_other_keys() {
    for (key, mistake, other) in [
        (
            "listen",
            "listen = 8080",
            "admin_listen = \"127.0.0.1:8080\"",
        ),
        (
            "listen",
            "listen = [8080]",
            "probe_listen = \"127.0.0.1:8080\"",
        ),
        (
            "trusted_proxies",
            "trusted_proxies = [\"10.0.0.0/8\", \"here\"]",
            "forwarded_host_from = [\"192.0.2.1\"]",
        ),
        (
            "limits.head_bytes",
            "limits.head_bytes = \"64k\"",
            "limits.target_bytes = 60000",
        ),
    ] {
        let listen = "listen = [\"127.0.0.1:8080\"]";
        let toml = edited(listen, &format!("{mistake}\n{other}"));
        let text = errors(&toml, &[]);
        assert_eq!(text.lines().count(), 1, "{text}");
        let begin = format!("configuration:2: server.{key}");
        assert!(text.starts_with(&begin), "{text}");
    }
}
