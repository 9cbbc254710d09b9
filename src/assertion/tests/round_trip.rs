use super::*;

#[test]
fn what_is_signed_is_what_is_verified() {
    for signer in signers() {
        let groups = Groups::from_iter(["acme/builders".parse().unwrap()]);
        let value = signer
            .sign(&octocat(), &groups, AUDIENCE, &Method::GET, "/notes")
            .unwrap();
        assert!(value.is_sensitive());
        let claims = verify(&verifier(&signer), &value).unwrap();
        assert_eq!(claims.issuer, ISSUER);
        assert_eq!(claims.audience, AUDIENCE);
        assert_eq!(claims.user_id, 1);
        assert_eq!(claims.login, "octocat");
        assert_eq!(claims.scopes.join(" "), "gist read:org");
        assert_eq!(claims.client_id, "Iv1.8a61f9b3a7aba766");
        assert_eq!(claims.groups, ["acme/builders"]);
        assert_eq!((&*claims.method, &*claims.path), ("GET", "/notes"));
        assert_eq!(claims.expires_at - claims.issued_at, 60);
    }
}

#[test]
fn claims_have_the_names_of_the_field() {
    let signer = signer(RFC_8037_KEY);
    let signed = signed(&signer);
    let parts: Vec<Vec<u8>> = signed
        .split('.')
        .map(|part| URL_SAFE_NO_PAD.decode(part).unwrap())
        .collect();
    assert_eq!(
        String::from_utf8_lossy(&parts[0]),
        format!(r#"{{"alg":"EdDSA","typ":"gatekeeper-assertion+jwt","kid":"{RFC_8037_KID}"}}"#)
    );
    let claims: serde_json::Value = serde_json::from_slice(&parts[1]).unwrap();
    let issued_at = claims["iat"].as_u64().unwrap();
    assert_eq!(
        claims,
        serde_json::json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "1",
            "preferred_username": "octocat",
            "scope": "gist read:org",
            "client_id": "Iv1.8a61f9b3a7aba766",
            "htm": "GET",
            "path": "/notes",
            "iat": issued_at,
            "exp": issued_at + 60,
        })
    );
    assert_eq!(parts[2].len(), 64);
}

#[test]
fn an_age_has_bounds() {
    let lifetime = |age| {
        let signer = signer(RFC_8037_KEY).with_max_age(age);
        let claims = claims(&signer);
        claims.expires_at - claims.issued_at
    };
    let seconds = std::time::Duration::from_secs;
    assert_eq!(lifetime(seconds(10)), 10);
    assert_eq!(lifetime(seconds(0)), 1);
    assert_eq!(lifetime(seconds(300)), 300);
    assert_eq!(lifetime(seconds(301)), 300);
}

#[test]
fn every_claim_is_held_against_the_request() {
    let signer = signer(RFC_8037_KEY);
    let verifier = verifier(&signer);
    let now = 1_000_000;
    let good = Claims {
        issued_at: now,
        expires_at: now + 60,
        ..claims(&signer)
    };
    let check = |change: &dyn Fn(&mut Claims)| {
        let mut claims = good.clone();
        change(&mut claims);
        verifier.check(&claims, &Method::GET, "/notes", now)
    };
    let set = |field: &str, text: &'static str| {
        let field = field.to_owned();
        check(&move |claims: &mut Claims| {
            let field = match &*field {
                "iss" => &mut claims.issuer,
                "aud" => &mut claims.audience,
                "htm" => &mut claims.method,
                _ => &mut claims.path,
            };
            *field = text.to_owned();
        })
    };
    use InvalidAssertion::*;
    assert_eq!(check(&|_| ()), Ok(()));
    assert_eq!(set("iss", "https://gate.example.com/"), Err(WrongIssuer));
    assert_eq!(set("aud", "http://tool.internal:300"), Err(WrongAudience));
    assert_eq!(set("aud", ""), Err(WrongAudience));
    assert_eq!(set("htm", "get"), Err(WrongMethod));
    assert_eq!(set("htm", "POST"), Err(WrongMethod));
    assert_eq!(set("path", "/notes/"), Err(WrongPath));
    assert_eq!(set("path", "/"), Err(WrongPath));
    let times = |issued_at, expires_at| {
        check(&|claims: &mut Claims| {
            (claims.issued_at, claims.expires_at) = (issued_at, expires_at);
        })
    };
    assert_eq!(times(now - 60, now - 4), Ok(()), "within the leeway");
    assert_eq!(times(now - 60, now - 5), Err(Expired));
    assert_eq!(times(0, 0), Err(Expired));
    assert_eq!(times(now + 5, now + 65), Ok(()), "within the leeway");
    assert_eq!(times(now + 6, now + 66), Err(NotYetValid));
    assert_eq!(times(now, now + 300), Ok(()));
    assert_eq!(times(now, now + 301), Err(NotYetValid));
    assert_eq!(times(now, u64::MAX), Err(NotYetValid));
}

#[test]
fn no_leeway_is_none() {
    let signer = signer(RFC_8037_KEY);
    let strict = verifier(&signer).with_leeway(std::time::Duration::ZERO);
    let claims = claims(&signer);
    let at = |now| strict.check(&claims, &Method::GET, "/notes", now);
    assert_eq!(at(claims.expires_at - 1), Ok(()));
    assert_eq!(at(claims.expires_at), Err(InvalidAssertion::Expired));
}
