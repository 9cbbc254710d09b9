use http::StatusCode;
use serde::Deserialize;

use crate::endpoint::Problem;
use crate::ghes::is_client_id;
use crate::validator::Purge;

/// The body of `POST /purge`: an object with exactly one of these members.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PurgeRequest {
    HashedToken(String),
    UserId(u64),
    AuthorizationId(u64),
    ClientId(String),
    All(bool),
}

/// Reads the selection of a purge.
pub(super) fn read_purge(body: &[u8]) -> Result<Purge, Problem> {
    // serde's message quotes the body.
    let request = serde_json::from_slice(body).map_err(|_| bad(MEMBERS))?;
    match request {
        PurgeRequest::HashedToken(hash) => match hash.parse() {
            Ok(hash) => Ok(Purge::Token(hash)),
            Err(_) => Err(bad(HASH)),
        },
        PurgeRequest::UserId(id) => Ok(Purge::User(id)),
        PurgeRequest::AuthorizationId(id) => Ok(Purge::Authorization(id)),
        PurgeRequest::ClientId(id) if is_client_id(&id) => Ok(Purge::ClientId(id.into())),
        PurgeRequest::ClientId(_) => Err(bad("client_id: not a client id")),
        PurgeRequest::All(true) => Ok(Purge::All),
        PurgeRequest::All(false) => Err(bad("all: only true purges anything")),
    }
}

fn bad(detail: &'static str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, detail)
}

const MEMBERS: &str = "expected a JSON object with exactly one of hashed_token (a string), \
     user_id or authorization_id (a whole number), client_id (a string), all (true)";

const HASH: &str = "hashed_token: not a SHA-256 in 64 hexadecimal digits or in base64; \
     the token itself does not belong here";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenHash;

    #[test]
    fn each_member_alone_is_a_purge() {
        let hash = TokenHash::of("abcdefgh12345678");
        for (body, purge) in [
            (
                r#"{"hashed_token":"25f94a2a5c7fbaf499c665bc73d67c1c87e496da8985131633ee0a95819db2e8"}"#,
                Purge::Token(hash),
            ),
            (
                r#"{"hashed_token":"JflKKlx/uvSZxmW8c9Z8HIfkltqJhRMWM+4KlYGdsug="}"#,
                Purge::Token(hash),
            ),
            (r#" {"user_id": 1} "#, Purge::User(1)),
            (
                r#"{"authorization_id":18446744073709551615}"#,
                Purge::Authorization(u64::MAX),
            ),
            (
                r#"{"client_id":"Iv1.8a61f9b3a7aba766"}"#,
                Purge::ClientId("Iv1.8a61f9b3a7aba766".into()),
            ),
            (r#"{"all":true}"#, Purge::All),
        ] {
            assert_eq!(read_purge(body.as_bytes()), Ok(purge), "{body}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (body, detail) in [
            ("", MEMBERS),
            ("all", MEMBERS),
            ("\"all\"", MEMBERS),
            ("{}", MEMBERS),
            ("[]", MEMBERS),
            ("null", MEMBERS),
            (r#"{"all":true"#, MEMBERS),
            (r#"{"all":true} {"#, MEMBERS),
            (r#"{"all":1}"#, MEMBERS),
            (r#"{"all":true,"user_id":1}"#, MEMBERS),
            (r#"{"user_id":1,"user_id":2}"#, MEMBERS),
            (r#"{"user_id":1,"dry_run":true}"#, MEMBERS),
            (r#"{"user_id":"1"}"#, MEMBERS),
            (r#"{"user_id":-1}"#, MEMBERS),
            (r#"{"user_id":1.5}"#, MEMBERS),
            (r#"{"user_id":18446744073709551616}"#, MEMBERS),
            (r#"{"user_id":null}"#, MEMBERS),
            (r#"{"userId":1}"#, MEMBERS),
            (r#"{"token":"gho_1"}"#, MEMBERS),
            (
                r#"{"hashed_token":"gho_16C7e42F292c6912E7710c838347Ae178B4a"}"#,
                HASH,
            ),
            (r#"{"hashed_token":""}"#, HASH),
            (r#"{"client_id":""}"#, "client_id: not a client id"),
            (r#"{"client_id":"a:b"}"#, "client_id: not a client id"),
            (r#"{"all":false}"#, "all: only true purges anything"),
        ] {
            assert_eq!(read_purge(body.as_bytes()), Err(bad(detail)), "{body}");
        }
    }
}
