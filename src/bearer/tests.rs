use http::HeaderValue;
use proptest::prelude::*;

use super::*;

fn read(credentials: &[&[u8]]) -> Result<String, BearerError> {
    let mut headers = HeaderMap::new();
    for credential in credentials {
        headers.append(AUTHORIZATION, HeaderValue::from_bytes(credential).unwrap());
    }
    let token = bearer(&headers, None, &BearerOptions::default())?;
    Ok(token.to_access_token().expose().to_owned())
}

#[test]
fn both_schemes_are_read_in_any_case() {
    for scheme in ["Bearer", "bearer", "BEARER", "token", "Token"] {
        assert_eq!(
            read(&[format!("{scheme}   gho_x").as_bytes()]).unwrap(),
            "gho_x"
        );
    }
    assert_eq!(read(&[b"Bearer a-._~+/Z9=="]).unwrap(), "a-._~+/Z9==");
}

#[test]
fn githubs_scheme_can_be_switched_off() {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("token gho_x"));
    let strict = BearerOptions::default().with_token_scheme(false);
    assert_eq!(
        bearer(&headers, None, &strict).unwrap_err(),
        BearerError::OtherScheme
    );
}

#[test]
fn no_credential_and_other_schemes_are_no_token() {
    for other in [
        &b"Digest realm=\"a, b\""[..],
        b"Negotiate",
        b"gho_x",
        b"Basics a",
    ] {
        assert_eq!(read(&[other]), Err(BearerError::OtherScheme));
    }
    for basic in [&b"Basic YTpi"[..], b"BASIC", b"basic  \xff"] {
        assert_eq!(read(&[basic]), Err(BearerError::Basic));
    }
    assert_eq!(read(&[]), Err(BearerError::Missing));
}

#[test]
fn a_token_between_quotes_is_told_from_other_mistakes() {
    for quoted in ["\"gho_x\"", "'gho_x'", "`a==`"] {
        let line = format!("bearer {quoted}");
        assert_eq!(read(&[line.as_bytes()]), Err(BearerError::Quoted), "{line}");
    }
    for other in ["\"gho_x", "gho_x\"", "\"\"", "\"", "\"a b\"", "\"a'", "<a>"] {
        let line = format!("Bearer {other}");
        assert_eq!(
            read(&[line.as_bytes()]),
            Err(BearerError::Malformed),
            "{line}"
        );
    }
}

#[test]
fn what_rfc_6750_does_not_allow_is_malformed() {
    for bad in [
        &b""[..],
        b"Bearer",
        b"Bearer ",
        b"Bearer =",
        b"Bearer a=b",
        b"Bearer a b",
        b"Bearer a, Bearer b",
        b"Bearer a,",
        b"Bearer\ta",
        b"Bearer a\t",
        b" Bearer a",
        b"Bearer a ",
        b"Bearer \xff",
        b"Bearer: a",
    ] {
        let shown = bad.escape_ascii();
        assert_eq!(read(&[bad]), Err(BearerError::Malformed), "{shown}");
    }
}

#[test]
fn two_credentials_are_refused_even_when_alike() {
    let twice = [&b"Bearer a"[..], b"Bearer a"];
    assert_eq!(read(&twice), Err(BearerError::Multiple));
    assert_eq!(
        read(&[b"Basic YTpi", b"Bearer a"]),
        Err(BearerError::Multiple)
    );

    let mut headers = HeaderMap::new();
    let options = BearerOptions::default();
    let query = Some("page=2&access_token=gho_b");
    assert_eq!(
        bearer(&headers, query, &options).unwrap_err(),
        BearerError::Missing
    );
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
    assert_eq!(
        bearer(&headers, query, &options).unwrap_err(),
        BearerError::Multiple
    );
    for tokens in [
        "access_token=ghp_b",
        "access_token=ghu_",
        "a&access_token=ghs_b&c",
        "access_token=ghr_b",
        "access_token=github_pat_b",
        "access_token=%67ho_b",
        "access%5ftoken=gho%5Fb",
        "access_token=b&access_token=gho_b",
    ] {
        let read = bearer(&headers, Some(tokens), &options);
        assert_eq!(read.unwrap_err(), BearerError::Multiple, "{tokens}");
    }
}

#[test]
fn a_tools_own_access_token_is_its_own() {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer a"));
    for own in [
        "access_token=b",
        "access_token=",
        "access_token",
        "access_token=gho",
        "access_token=GHO_b",
        "access_token=xgho_b",
        "access_token=github_pa",
        "access_token=eyJhbGciOiJIUzI1NiJ9.e30.e30",
        "access_token=%",
        "access_token=%6",
        "access_token=%zzgho_",
        "x_access_token=gho_b",
        "access_token_=gho_b",
        "token=gho_b",
        "gho_b",
    ] {
        assert!(
            bearer(&headers, Some(own), &BearerOptions::default()).is_ok(),
            "{own}"
        );
    }
}

#[test]
fn the_length_is_bounded() {
    let longest = format!("Bearer {}", "a".repeat(BearerOptions::DEFAULT_MAX_LENGTH));
    assert!(read(&[longest.as_bytes()]).is_ok());
    let longer = format!("{longest}a");
    assert_eq!(read(&[longer.as_bytes()]), Err(BearerError::TooLong));
}

#[test]
fn the_characters_are_those_of_rfc_6750() {
    for b in 0..=255_u8 {
        let expected = b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
        assert_eq!(is_b64token_byte(b), expected, "{b:#x}");
    }
}

#[test]
fn one_wrong_byte_is_found_wherever_it_stands() {
    for length in 1..=3 * BLOCK + 1 {
        let token = vec![b'a'; length];
        assert!(is_b64token(&token), "{length}");
        for at in 0..length {
            let mut token = token.clone();
            token[at] = b',';
            assert!(!is_b64token(&token), "{at} of {length}");
        }
    }
}

#[test]
fn a_scheme_is_its_letters_and_nothing_like_them() {
    for bit in 0..8 {
        for at in 0.."bearer".len() {
            let mut scheme = *b"bearer";
            scheme[at] ^= 1 << bit;
            let is_case = bit == 5;
            assert_eq!(is_in_any_case(&scheme, b"bearer"), is_case, "{scheme:?}");
        }
    }
    assert!(!is_in_any_case(b"bearers", b"bearer"));
    assert!(!is_in_any_case(b"beare", b"bearer"));
}

proptest! {
    #[test]
    fn whatever_is_read_is_a_b64token_of_the_input(bytes in prop::collection::vec(32_u8..=255, 0..80)) {
        let value = [b"Bearer ", &bytes[..]].concat();
        prop_assume!(HeaderValue::from_bytes(&value).is_ok());
        if let Ok(token) = read(&[&value]) {
            prop_assert!(is_b64token(token.as_bytes()));
            prop_assert!(value.ends_with(token.as_bytes()));
        }
    }
}
