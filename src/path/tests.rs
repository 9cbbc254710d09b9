use proptest::prelude::*;

use super::*;

fn readings(path: &str) -> Vec<String> {
    Readings::of(path).iter().map(str::to_owned).collect()
}

#[test]
fn what_every_server_decodes_has_one_reading() {
    for (path, reading) in [
        ("/", "/"),
        ("/admin", "/admin"),
        ("/%61dmin", "/admin"),
        ("/ad%6Din/x", "/admin/x"),
        ("/a%20b/", "/a b/"),
        ("/caf%C3%A9", "/caf\u{e9}"),
        ("/a/..b/.c/d.e", "/a/..b/.c/d.e"),
        ("/@scope/name,v=1:x!$&'()*+", "/@scope/name,v=1:x!$&'()*+"),
        ("/%7Bid%7d|{id}^", "/{id}|{id}^"),
    ] {
        assert_eq!(readings(path), [reading]);
        assert!(Readings::of(path).are_certain());
    }
}

#[test]
fn what_servers_differ_about_has_each_of_their_readings() {
    for (path, reading) in [
        ("/public/../admin", "/admin"),
        ("/public/.", "/public/"),
        ("/public/%2e%2E/admin", "/admin"),
        ("/public%2f..%2Fadmin", "/admin"),
        ("/public%2fadmin", "/public/admin"),
        ("/public%5cadmin", "/public/admin"),
        ("/public\\..\\admin", "/admin"),
        ("//admin", "/admin"),
        ("//evil.test/admin", "/admin"),
        ("//evil.test", "/"),
        ("/public//../admin", "/admin"),
        ("/public//../admin", "/public/admin"),
        ("/admin;a=b", "/admin"),
        ("/admin%3Ba=b", "/admin"),
        ("/a;b/admin;a=b/c", "/a/admin/c"),
        ("/public/..;/admin;b", "/admin;b"),
        ("/admin;a/b", "/admin"),
        ("/public;a/admin;b", "/public;a/admin"),
        ("/admin%00.png", "/admin"),
        ("/adm%0ain", "/admin"),
        ("/admin%20", "/admin"),
        ("/admin.", "/admin"),
        ("/admin%2e%20/x", "/admin/x"),
        ("/admin%3fx", "/admin"),
        ("/admin%23x", "/admin"),
        ("/%2561dmin", "/admin"),
        ("/%25252561dmin", "/admin"),
        ("/public%252f..%252fadmin", "/admin"),
        ("/%u0061dmin", "/admin"),
        ("/public/%c0%ae%c0%ae/admin", "/admin"),
        ("/public/%e0%80%ae%f0%80%80%ae/admin", "/admin"),
        ("/public%ef%bc%8fadmin", "/public/admin"),
        ("/public/%ef%bc%8e%ef%bc%8e/admin", "/admin"),
        ("/%ef%bd%81dmin", "/admin"),
        ("/admin%c2%a0", "/admin"),
        ("/admin%e3%80%80/x", "/admin/x"),
        ("/adm%e2%80%8bin", "/admin"),
        ("/public%e2%88%95admin", "/public/admin"),
        ("/admin::$DATA", "/admin"),
        ("/admin:$i30:$INDEX_ALLOCATION/x", "/admin/x"),
    ] {
        let all = readings(path);
        assert!(all.contains(&reading.to_owned()), "{path}: {all:?}");
        assert!(!is_plain(path), "{path}");
    }
}

/// Some servers refuse them, some guess, so a path with them has no complete list of readings.
#[test]
fn what_servers_guess_at_is_not_certain() {
    for path in [
        "/%zzadmin",
        "/admin%",
        "/admin%2",
        "/%u0061dmin",
        "/admin%00",
        "/admin%0a",
        "/%ff",
        "/public/%c0%ae%c0%ae/admin",
        "/a%25ff",
        "/a%25%30%30",
    ] {
        let readings = Readings::of(path);
        assert!(!readings.are_certain() && readings.are_known(), "{path}");
    }
    for path in [
        "/100%25", "/a%25zz", "/a%2fb", "/a%5cb", "/a;b", "//", "/a.", "/a%3f%23",
    ] {
        assert!(Readings::of(path).are_certain(), "{path}");
    }
}

#[test]
fn more_readings_than_anybody_needs_are_not_all_made() {
    let deep = (0..80).fold("/x%2fy".to_owned(), |path, _| path.replace('%', "%25"));
    let varied = "/a;b%3fc%23d%2f..%5c;e/%20.%c2%a0.%ef%bc%8f./%2525%2566:$x%252f//";
    for path in [
        deep,
        varied.repeat(4),
        format!("/{}", "a%2f;./".repeat(4_000)),
    ] {
        let readings = Readings::of(&path);
        assert!(
            !readings.are_known() && !readings.are_certain(),
            "{}",
            path.len()
        );
        assert!(readings.iter().count() <= 65);
    }
}

#[test]
fn no_letter_of_a_named_path_is_a_pattern() {
    for path in [
        "/admin/.*",
        "/admin/{id}",
        "/admin/:id",
        "/admin*",
        "/admin/*",
        "/admin/**",
        "/admin/<id>",
        "/admin/<int:id>",
        "^/admin",
        "/admin$",
        "/(a|b)",
        "/[ab]",
        "/admin?",
        "/admin/.+",
        "/a|b",
        "/admin/{path...}",
        "/v1/x:id",
        "~ ^/admin",
        "{http.path}",
    ] {
        let error = NamedPath::new(path).unwrap_err();
        assert!(
            matches!(error, InvalidPath::Pattern(_)),
            "{path}: {error:?}"
        );
        assert!(error.to_string().contains("end the path before it"));
    }
}

#[test]
fn a_letter_that_looks_like_a_pattern_is_written_encoded() {
    for (path, compared, written) in [
        ("/a%7Bb%7d", "/a{b}", "/a%7Bb%7D"),
        ("/c%2B%2b/", "/c++", "/c%2B%2B"),
        ("/%24metadata", "/$metadata", "/%24metadata"),
        ("/v1%3arun", "/v1:run", "/v1%3Arun"),
        ("/%2a", "/*", "/%2A"),
        ("/%61dmin", "/admin", "/admin"),
        ("/caf%c3%a9", "/caf\u{e9}", "/caf%C3%A9"),
        ("/a%20b", "/a b", "/a%20b"),
        ("/~a/@b,c=d&e'f!", "/~a/@b,c=d&e'f!", "/~a/@b,c=d&e'f!"),
        ("/.well-known", "/.well-known", "/.well-known"),
    ] {
        let named = NamedPath::new(path).unwrap();
        assert_eq!((named.compared(), named.as_str()), (compared, written));
        assert_eq!(NamedPath::new(written).unwrap(), named);
    }
}

#[test]
fn a_path_without_one_reading_cannot_be_named() {
    for path in [
        "",
        "a",
        "//",
        "/a//",
        "/a//b",
        "/.",
        "/a/.",
        "/a/../b",
        "/%2e%2e",
        "/a#b",
        "/a%2fb",
        "/a;b",
        "/a%3Bb",
        "/a\\b",
        "/a%5cb",
        "/a b",
        "/a\n",
        "/\u{e9}",
        "/a%",
        "/a%zz",
        "/a%25",
        "/a%3f",
        "/a%23",
        "/a%00",
        "/a.",
        "/...",
        "/a%20",
        "/a%20/b",
        "/%ff",
        "/%ef%bd%81",
        "/a%c2%a0",
    ] {
        assert!(NamedPath::new(path).is_err(), "{path:?}");
    }
}

#[test]
fn a_path_covers_itself_and_what_is_below() {
    for (path, reading, covers) in [
        ("/", "/", true),
        ("/", "/a/b", true),
        ("/", "*", true),
        ("/a", "/a", true),
        ("/a", "/a/", true),
        ("/a", "/a/b", true),
        ("/a/", "/a", true),
        ("/a", "/ab", false),
        ("/a", "/a;b", false),
        ("/a", "/A", false),
        ("/a", "/", false),
        ("/a", "a", false),
        ("/a/b", "/a", false),
        ("/a/b", "/a/b/c", true),
        ("/a%7Bb", "/a{b/c", true),
    ] {
        assert_eq!(
            NamedPath::new(path).unwrap().covers(reading),
            covers,
            "{path} {reading}"
        );
    }
}

proptest! {
    #[test]
    fn no_way_to_write_a_path_leads_elsewhere(
        path in "(/[a-zA-Z0-9_~-]{1,6}){1,4}",
        encoded in prop::collection::vec(any::<bool>(), 28),
        upper in any::<bool>(),
    ) {
        let mut encoded = encoded.into_iter();
        let written: String = path
            .chars()
            .map(|c| match (c, encoded.next()) {
                ('/', _) | (_, Some(false) | None) => c.to_string(),
                (c, _) if upper => format!("%{:02X}", c as u32),
                (c, _) => format!("%{:02x}", c as u32),
            })
            .collect();
        prop_assert_eq!(readings(&written), [path]);
    }

    #[test]
    fn what_is_plain_has_one_reading(path in "[/.a-z~]{0,12}|/[ -~]{0,8}|/[a:$;./]{0,8}") {
        if is_plain(&path) {
            prop_assert!(Readings::of(&path).are_certain());
            prop_assert_eq!(readings(&path), [path]);
        }
    }

    #[test]
    fn whatever_is_read_can_be_read_on(path in "\\PC{0,24}|/([ -~]|%2[0-9a-f]|%5c|\\.\\.){0,12}") {
        let all = Readings::of(&path);
        prop_assume!(all.are_known());
        for reading in all.iter() {
            for again in Readings::of(reading).iter() {
                prop_assert!(
                    all.iter().any(|known| known == again),
                    "{:?} of {:?} of {:?}", again, reading, path
                );
            }
        }
    }
}
