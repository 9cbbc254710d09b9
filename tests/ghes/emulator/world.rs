//! Worlds, good and bad.
use ghes_gatekeeper::emulator::{Emulator, World, WorldError};

use super::{GITHUB_APP, OAUTH_APP, SECRET, TOKEN};

const USER: &str = "[[users]]\nlogin = \"mona\"\nid = 7\npassword = \"hunter2\"\n";
const APP: &str = "[[apps]]\nkind = \"oauth-app\"\nclient_id = \"abc\"\nclient_secret = \"s3cr3t\"\n\
                   name = \"n\"\nurl = \"http://n.test\"\n";
const TOKEN_ROW: &str = "[[tokens]]\ntoken = \"t0k3n\"\nclient_id = \"abc\"\nuser = \"mona\"\n";

fn error(text: &str) -> WorldError {
    World::from_toml(text).expect_err(text)
}

#[test]
fn default_world_is_that_of_the_documents() {
    let ghes = Emulator::default();
    for client_id in [GITHUB_APP, OAUTH_APP] {
        for login in ["octocat", "hubot", "monalisa"] {
            assert!(
                ghes.mint(client_id, login, &[], None).is_ok(),
                "{client_id} {login}"
            );
        }
    }
    assert!(ghes.revoke(TOKEN));
}

#[test]
fn empty_world_is_a_world() {
    let ghes = Emulator::new(World::from_toml("").unwrap());
    assert!(ghes.mint(GITHUB_APP, "octocat", &[], None).is_err());
}

#[test]
fn errors_are_one_line_that_names_the_key() {
    let rows = format!("{USER}{APP}{TOKEN_ROW}");
    World::from_toml(&rows).unwrap();
    for (text, message) in [
        (
            "[[user]]\nlogin = \"a\"".to_owned(),
            "line 1: user: unknown field `user`",
        ),
        (
            "[[users]]\nlogin = \"a\"\nid = 1\n".to_owned(),
            "line 1: users[0]: missing field `password`",
        ),
        (
            USER.replace("id = 7", "id = \"7\""),
            "line 3: users[0].id: invalid type: string",
        ),
        (
            USER.replace("\"hunter2\"", "42"),
            "line 4: users[0].password: expected a string",
        ),
        (
            format!("{USER}admin = true"),
            "line 5: users[0].admin: unknown field `admin`",
        ),
        (
            APP.replace("oauth-app", "app"),
            "line 2: apps[0].kind: unknown variant `app`",
        ),
        (
            format!("{rows}expires_at = \"soon\""),
            "line 15: tokens[0].expires_at: expected an RFC 3339",
        ),
        (
            format!("{USER}{USER}"),
            "users[1].login: already taken by users[0].login",
        ),
        (
            format!("{USER}{}", USER.replace("mona", "MONA")),
            "users[1].login: already taken by users[0].login",
        ),
        (
            format!("{USER}{}", USER.replace("mona", "lisa")),
            "users[1].id: already taken by users[0].id",
        ),
        (
            format!("{APP}{APP}"),
            "apps[1].client_id: already taken by apps[0].client_id",
        ),
        (
            format!("{rows}{TOKEN_ROW}"),
            "tokens[1].token: already taken by tokens[0].token",
        ),
        (
            rows.replace("user = \"mona\"", "user = \"lisa\""),
            "tokens[0].user: no user has the login `lisa`",
        ),
        (
            format!("{USER}{TOKEN_ROW}"),
            "tokens[0].client_id: no app has the client id `abc`",
        ),
        (
            rows.replace("t0k3n", "t0 k3n"),
            "tokens[0].token: has a character that no token has",
        ),
        (
            rows.replace("t0k3n", ""),
            "tokens[0].token: must not be empty",
        ),
        (
            USER.replace("hunter2", ""),
            "users[0].password: must not be empty",
        ),
        (
            format!("{USER}teams = [\"o/t\"]"),
            "users[0].teams: `o/t` is not",
        ),
        (
            format!("{USER}orgs = [\"o\"]\nteams = [\"o\"]"),
            "users[0].teams: `o` is not",
        ),
        (
            format!("{USER}owner_of = [\"o\"]"),
            "users[0].owner_of: `o` is none of the user's orgs",
        ),
        (
            format!("{USER}otp = 123456"),
            "line 5: users[0].otp: expected a string",
        ),
        (
            format!("{APP}expire_user_tokens = true"),
            "apps[0].expire_user_tokens: only tokens of a github-app expire",
        ),
        ("[[users]".to_owned(), "line 1: "),
    ] {
        let shown = error(&text).to_string();
        assert!(
            shown.starts_with(message),
            "{shown:?} does not start with {message:?}"
        );
        assert!(!shown.contains('\n'), "{shown:?}");
    }
}

#[test]
fn secrets_are_in_no_error_and_no_debug_output() {
    let rows = format!("{USER}otp = \"0t9\"\n{APP}{TOKEN_ROW}");
    let world = World::from_toml(&rows).unwrap();
    let duplicate = error(&format!("{rows}{TOKEN_ROW}"));
    let broken = error(&format!("{rows}token = 7"));
    let shown = format!(
        "{world:?} {duplicate:?} {duplicate} {broken:?} {broken} {:?}",
        Emulator::new(world.clone())
    );
    for secret in ["hunter2", "s3cr3t", "t0k3n", "0t9", SECRET] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("mona"), "{shown}");
}

#[test]
fn invited_users_may_be_in_teams_and_an_app_may_opt_out() {
    let rows = format!(
        "private_mode = true\n{USER}invited_to = [\"o\"]\nteams = [\"o/t\"]\n{APP}expire_user_tokens = false\n"
    );
    assert!(World::from_toml(&rows).is_ok());
}
