use proptest::prelude::*;

use super::*;

const HTTP: (bool, &str) = (false, "127.0.0.1:3000");
const HTTPS: (bool, &str) = (true, "tool.internal");

fn redirects(upstreams: &[(bool, &str)], cuts_prefix: bool) -> Redirects {
    let upstreams = upstreams.iter();
    Redirects {
        upstreams: upstreams
            .map(|(is_https, authority)| Origin::new(*is_https, authority))
            .collect(),
        cuts_prefix,
    }
}

fn told(url: &str, prefix: Option<&'static str>) -> Told {
    let (scheme, host) = url.split_once("://").unwrap();
    Told {
        host: Some(HeaderValue::try_from(host).unwrap()),
        prefix: prefix.map(HeaderValue::from_static),
        is_https: scheme == "https",
    }
}

/// A header of the response to a client that asked for `url`.
fn passed(upstreams: &[(bool, &str)], told: &Told, name: HeaderName, value: &str) -> String {
    let mut headers = HeaderMap::new();
    headers.append(name.clone(), HeaderValue::try_from(value).unwrap());
    redirects(upstreams, told.prefix.is_some()).rewrite(&mut headers, told);
    assert_eq!(headers.len(), 1);
    headers[name].to_str().unwrap().to_owned()
}

#[test]
fn what_names_an_upstream_becomes_a_path() {
    let told = told("https://tools.example.com", None);
    let upstreams = [HTTP, HTTPS, (false, "[::1]:8080")];
    for (location, expected) in [
        ("http://127.0.0.1:3000/dir/", "/dir/"),
        ("HTTP://127.0.0.1:3000/dir/?a=b#c", "/dir/?a=b#c"),
        ("http://127.0.0.1:3000", "/"),
        ("http://127.0.0.1:3000?a=/b", "/?a=/b"),
        ("//127.0.0.1:3000/a%2Fb/../c", "/a%2Fb/../c"),
        ("https://tool.internal/x", "/x"),
        ("https://TOOL.internal:443/x", "/x"),
        ("http://[::1]:8080/x", "/x"),
        ("http://tools.example.com/x", "/x"),
    ] {
        for name in [LOCATION, CONTENT_LOCATION] {
            assert_eq!(passed(&upstreams, &told, name, location), expected);
        }
        for (before, after) in [("5; url=", ""), ("0;URL = '", "'; x"), ("1,url=\"", "\"")] {
            let value = format!("{before}{location}{after}");
            let passed = passed(&upstreams, &told, REFRESH, &value);
            assert_eq!(passed, format!("{before}{expected}{after}"));
        }
    }
}

#[test]
fn another_origin_is_left_alone() {
    let upstreams = [HTTP, HTTPS];
    for (url, prefix) in [
        ("https://tools.example.com", None),
        ("https://tools.example.com", Some("/builds")),
        ("http://tools.example.com", None),
        ("http://127.0.0.1:8080", Some("/builds")),
    ] {
        let told = told(url, prefix);
        for location in [
            "https://ghes.example.com/login",
            "http://127.0.0.1:3001/x",
            "https://127.0.0.1:3000/x",
            "http://127.0.0.1:3000@evil.example/x",
            "http://user@127.0.0.1:3000/x",
            "http://127.0.0.1:3000.evil.example/x",
            "http://127.0.0.1:30000/x",
            "http://tool.internal/x",
            "https://tools.example.com.evil.example/",
            "https://tools.example.com:8443/x",
            "//evil.example/x",
            "///evil.example/x",
            "http:///x",
            "mailto:a@b",
            "urn:127.0.0.1:3000",
            // Paths that a browser would read as a host.
            "http://127.0.0.1:3000//evil.example/x",
            "http://127.0.0.1:3000/\\evil.example/x",
            "http://127.0.0.1:3000\\evil.example/x",
            "http://127.0.0.1:3000/\t/evil.example/x",
            "/\t/evil.example",
        ] {
            let rest = location.strip_prefix("http://127.0.0.1:3000");
            let is_below = rest.is_some_and(|rest| rest.starts_with(['/', '\\']));
            let is_prefixed = prefix.is_some() && is_below;
            if is_prefixed && !location.contains('\t') {
                let passed = passed(&upstreams, &told, LOCATION, location);
                assert!(passed.starts_with("/builds/"), "{passed}");
                continue;
            }
            assert_eq!(passed(&upstreams, &told, LOCATION, location), location);
        }
    }
}

/// A tool may send every client to `https`, and would do so again if the redirect were rewritten.
#[test]
fn the_way_from_http_to_https_is_left_alone() {
    for prefix in [None, Some("/builds")] {
        let told = told("http://tools.example.com", prefix);
        let location = "https://tools.example.com/x";
        assert_eq!(passed(&[HTTPS], &told, LOCATION, location), location);
    }
}

#[test]
fn a_path_gets_the_prefix_once() {
    let told = told("https://tools.example.com:8443", Some("/a/builds"));
    for (location, expected) in [
        ("/", "/a/builds/"),
        ("/dir/?x=/a/builds", "/a/builds/dir/?x=/a/builds"),
        ("/a", "/a/builds/a"),
        ("/a/buildsx", "/a/builds/a/buildsx"),
        ("/a/builds", "/a/builds"),
        ("/a/builds/x", "/a/builds/x"),
        ("/a/builds?x", "/a/builds?x"),
        ("http://127.0.0.1:3000/dir/", "/a/builds/dir/"),
        ("http://127.0.0.1:3000/a/builds/dir/", "/a/builds/dir/"),
        ("https://tools.example.com:8443/dir/", "/a/builds/dir/"),
        ("http://tools.example.com:8443/a/builds/x", "/a/builds/x"),
        (
            "https://tools.example.com:8443/a/builds/x",
            "https://tools.example.com:8443/a/builds/x",
        ),
        ("dir/", "dir/"),
        ("../x", "../x"),
        ("?x", "?x"),
        ("#x", "#x"),
        ("", ""),
    ] {
        assert_eq!(passed(&[HTTP], &told, LOCATION, location), expected);
    }
}

#[test]
fn cookies_are_for_the_path_and_the_host_that_the_client_knows() {
    for (prefix, cookie, expected) in [
        (Some("/builds"), "a=b; Path=/", "a=b; Path=/builds"),
        (
            Some("/builds"),
            "a=\"/;x\";path=/x/ ; Secure;HttpOnly",
            "a=\"/;x\";path=/builds/x/ ; Secure;HttpOnly",
        ),
        (Some("/builds"), "a=b; Path=/builds", "a=b; Path=/builds"),
        (
            Some("/builds"),
            "a=b; Path=/builds/x",
            "a=b; Path=/builds/x",
        ),
        (Some("/builds"), "a=b", "a=b"),
        (Some("/builds"), "path=/; Path", "path=/; Path"),
        (Some("/builds"), "a=b; Path=x", "a=b; Path=x"),
        (
            Some("/builds"),
            "__Host-a=b; Path=/; Secure",
            "__Host-a=b; Path=/; Secure",
        ),
        (
            Some("/builds"),
            "__Secure-a=b;Path=/",
            "__Secure-a=b;Path=/builds",
        ),
        (None, "a=b; Path=/", "a=b; Path=/"),
        (None, "a=b;  Domain=TOOL.internal; Path=/", "a=b; Path=/"),
        (None, "a=b; domain=.tool.internal", "a=b"),
        (None, "a=b; Domain=internal", "a=b; Domain=internal"),
        (
            None,
            "a=b; Domain=tools.example.com",
            "a=b; Domain=tools.example.com",
        ),
        (
            Some("/builds"),
            "a=b; Domain=127.0.0.1; Path=/; Max-Age=0",
            "a=b; Path=/builds; Max-Age=0",
        ),
    ] {
        let told = told("https://tools.example.com", prefix);
        assert_eq!(passed(&[HTTP, HTTPS], &told, SET_COOKIE, cookie), expected);
    }
    // The machine's name may be both.
    let same = told("https://tool.internal", None);
    let cookie = "a=b; Domain=tool.internal";
    assert_eq!(passed(&[HTTPS], &same, SET_COOKIE, cookie), cookie);
}

#[test]
fn of_several_lines_each_is_rewritten_and_the_rest_stays() {
    let told = told("https://tools.example.com", Some("/builds"));
    let mut headers = HeaderMap::new();
    let lines: [(HeaderName, &[u8]); 5] = [
        (SET_COOKIE, b"a=b; Path=/"),
        (SET_COOKIE, b"c=\xff; Path=/"),
        (SET_COOKIE, b"d=e; Path=/d"),
        (http::header::LINK, b"</x>; rel=preload"),
        (LOCATION, b"/x"),
    ];
    for (name, value) in lines {
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    redirects(&[HTTP], true).rewrite(&mut headers, &told);
    let cookies: Vec<_> = headers.get_all(SET_COOKIE).iter().collect();
    assert_eq!(cookies[0], "a=b; Path=/builds");
    assert_eq!(cookies[1].as_bytes(), b"c=\xff; Path=/");
    assert_eq!(cookies[2], "d=e; Path=/builds/d");
    assert_eq!(headers["link"], "</x>; rel=preload");
    assert_eq!(headers["location"], "/builds/x");
}

proptest! {
    /// Whatever the rewriting does, a client stays where it was or goes where the upstream sent it.
    #[test]
    fn no_location_leads_to_another_host_than_it_did(
        begin in "(https?:|HTTP:)?(/|//|///)?(127\\.0\\.0\\.1:3000|tools\\.example\\.com|evil)?",
        rest in "[/\\\\\t a-e.@:?#%-]{0,12}",
        cuts_prefix in any::<bool>(),
    ) {
        let location = format!("{begin}{rest}");
        let told = told("https://tools.example.com", cuts_prefix.then_some("/builds"));
        let Ok(value) = HeaderValue::try_from(&*location) else {
            return Ok(());
        };
        let mut headers = HeaderMap::new();
        headers.insert(LOCATION, value);
        redirects(&[HTTP], cuts_prefix).rewrite(&mut headers, &told);
        let passed = headers[LOCATION].to_str().unwrap();
        if passed != location {
            prop_assert!(is_path(passed) && !passed.contains('\t'), "{} from {}", passed, location);
            if cuts_prefix {
                prop_assert!(passed.starts_with("/builds"), "{} from {}", passed, location);
            }
        }
    }
}
