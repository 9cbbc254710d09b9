//! What opens to a session, and what does not.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use proptest::prelude::*;

use super::*;

/// A browser that is logged in at the tool, and the value of its cookie.
fn logged_in(sessions: &Sessions) -> (Browser, String) {
    let (app, mut browser) = (App::default(), Browser::default());
    browser.log_in(sessions, &app, &start(sessions, TOOL, "/"), "octocat");
    let key = (TOOL.to_owned(), cookie::SESSION.to_owned());
    let value = browser.0[&key].clone();
    (browser, value)
}

fn opens(sessions: &Sessions, value: &[u8]) -> bool {
    let line = [cookie::SESSION.as_bytes(), b"=", value].concat();
    let mut headers = HeaderMap::new();
    let Ok(line) = HeaderValue::from_bytes(&line) else {
        return false;
    };
    headers.insert(http::header::COOKIE, line);
    sessions.session(&headers, TOOL, NOW).is_some()
}

#[test]
fn no_bit_of_a_cookie_may_be_another() {
    let sessions = sessions();
    let (_, value) = logged_in(&sessions);
    assert!(opens(&sessions, value.as_bytes()));
    let sealed = BASE64.decode(&value).expect("base64");
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(
            !opens(&sessions, BASE64.encode(flipped).as_bytes()),
            "bit {bit}"
        );
    }
    for bit in 0..value.len() * 8 {
        let mut flipped = value.clone().into_bytes();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!opens(&sessions, &flipped), "bit {bit} of the text");
    }
}

#[test]
fn a_cookie_of_another_app_or_server_opens_nothing() {
    let (_, value) = logged_in(&sessions());
    let changes: [(&str, fn(&mut Options), bool); 5] = [
        (
            "client_id",
            |options| options.client_id = "other".into(),
            false,
        ),
        ("server", |options| options.server = "other".into(), false),
        // No two places are one, whatever stands where.
        (
            "both",
            |options| {
                options.server = "defaultc".into();
                options.client_id = "lient".into();
            },
            false,
        ),
        // What decides nothing about whose it is.
        ("scopes", |options| options.scopes.clear(), true),
        (
            "login_host",
            |options| options.login_host = TOOL.into(),
            true,
        ),
    ];
    for (name, change, expected) in changes {
        let mut options = options();
        change(&mut options);
        let sessions = Sessions::new(options, keys(b"1"), Used::default());
        assert_eq!(opens(&sessions, value.as_bytes()), expected, "{name}");
    }
}

#[test]
fn no_other_sealed_text_is_a_session() {
    let (sessions, app) = (sessions(), App::default());
    let (mut browser, _) = logged_in(&sessions);
    browser.go(&sessions, &app, &start(&sessions, TOOL, "/"), NOW);
    let of_tool = browser.0.iter().filter(|((host, _), _)| host == TOOL);
    let pending = of_tool.filter(|((_, name), _)| name != cookie::SESSION);
    let pending: Vec<_> = pending.map(|(_, value)| value.clone()).collect();
    assert_eq!(pending.len(), 1);
    assert!(!opens(&sessions, pending[0].as_bytes()));
    let session = sessions
        .session(&browser.headers(TOOL), TOOL, NOW)
        .expect("a session");
    for purpose in [Purpose::Pending, Purpose::HandOver] {
        let sealed = sessions.seal(purpose, &[TOOL], &session.bytes());
        assert!(!opens(&sessions, sealed.as_bytes()), "{purpose:?}");
    }
    let sealed = sessions.seal(Purpose::Session, &[TOOL], &session.bytes());
    assert!(opens(&sessions, sealed.as_bytes()));
}

proptest! {
    /// Whoever has no key makes none, and no panic either.
    #[test]
    fn what_is_not_sealed_opens_nothing(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let sessions = sessions();
        prop_assert!(!opens(&sessions, &bytes));
        prop_assert!(!opens(&sessions, BASE64.encode(&bytes).as_bytes()));
        let sealed = Keys::new([vec![2; 32]]).expect("a key");
        let sealed = sealed.seal(Purpose::Session, &sessions.place(&[TOOL]), &bytes);
        prop_assert!(!opens(&sessions, sealed.as_bytes()));
    }

    /// With a key in hand: what is no session is none, whatever stands in it.
    #[test]
    fn what_is_sealed_and_broken_is_none(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let sessions = sessions();
        let sealed = sessions.seal(Purpose::Session, &[TOOL], &bytes);
        let is_session = Session::read(&bytes).is_some_and(|session| session.since <= NOW);
        prop_assert!(is_session || !opens(&sessions, sealed.as_bytes()));
    }
}
