//! `check config` tells what is in force, or all that is wrong.

use super::running::{command, run};

#[tokio::test]
async fn the_environment_alone_can_say_everything() {
    let output = command(&["check", "config"])
        .env("GHES_GATEKEEPER_GHES__URL", "https://ghes.example.com")
        .env(
            "GHES_GATEKEEPER_GHES__APPS__0__CLIENT_ID",
            "Iv1.8a61f9b3a7aba766",
        )
        .env(
            "GHES_GATEKEEPER_GHES__APPS__0__CLIENT_SECRET",
            "CANARYSECRET",
        )
        .env("GHES_GATEKEEPER_ROUTES__0__PATH", "/")
        .env(
            "GHES_GATEKEEPER_ROUTES__0__UPSTREAM",
            "http://127.0.0.1:3000",
        )
        .output()
        .await
        .expect("the command");
    let shown = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0));
    assert!(
        shown.contains("url = \"https://ghes.example.com\""),
        "{shown}"
    );
    assert!(shown.contains("client_secret = \"[redacted]\""), "{shown}");
    assert!(!shown.contains("CANARYSECRET"), "{shown}");
}

#[tokio::test]
async fn a_route_that_no_token_opens_is_warned_about() {
    let file =
        std::env::temp_dir().join(format!("ghes-gatekeeper-shut-{}.toml", std::process::id()));
    let toml = "[ghes]\nurl = \"https://ghes.example.com\"\n\
                [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
                [[routes]]\npath = \"/a\"\nupstream = \"http://b\"\nscopes = [\"gist\"]\n";
    std::fs::write(&file, toml).expect("a file");
    let output = run(&["check", "config", "--config", file.to_str().expect("UTF-8")]).await;
    std::fs::remove_file(&file).expect("the file");
    assert_eq!(output.status.code(), Some(0));
    let log = String::from_utf8(output.stderr).expect("UTF-8");
    let warned = "routes[0].scopes: tokens of GitHub Apps have no scopes";
    assert!(log.contains("WARN") && log.contains(warned), "{log}");
}

#[tokio::test]
async fn the_example_that_is_printed_is_the_one_that_is_documented() {
    let output = run(&["check", "config", "--example"]).await;
    assert_eq!(output.status.code(), Some(0));
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(printed, ghes_gatekeeper::config::Config::EXAMPLE);
}

#[tokio::test]
async fn the_schema_that_is_printed_has_every_key_of_the_example() {
    let output = run(&["check", "config", "--schema"]).await;
    assert_eq!(output.status.code(), Some(0));
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let draft = "https://json-schema.org/draft/2020-12/schema";
    assert_eq!(schema["$schema"], draft);
    let keys = &schema["properties"]["routes"]["items"]["properties"];
    assert_eq!(keys["strip_prefix"]["default"], false);
    let purpose = keys["strip_prefix"]["description"].as_str();
    assert_eq!(
        purpose,
        Some("true forwards /tool/x as /x where path is /tool")
    );
}

#[tokio::test]
async fn one_thing_is_printed_at_a_time() {
    for pair in [
        &["--schema", "--example"][..],
        &["--schema", "--config", "gatekeeper.toml"],
        &["--example", "--config", "gatekeeper.toml"],
    ] {
        let output = run(&[&["check", "config"][..], pair].concat()).await;
        assert_eq!(output.status.code(), Some(2), "{pair:?}");
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn every_mistake_is_a_line_and_the_exit_code_is_2() {
    let file = std::env::temp_dir().join(format!("ghes-gatekeeper-{}.toml", std::process::id()));
    let toml = "[ghes]\nurl = \"ghes\"\n[[routes]]\npath = \"x\"\nupstrem = \"y\"\n";
    std::fs::write(&file, toml).expect("a file");
    let output = run(&["check", "config", "--config", file.to_str().expect("UTF-8")]).await;
    std::fs::remove_file(&file).expect("the file");
    let errors = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(2), "{errors}");
    for (line, key) in [
        (2, "ghes.url"),
        (4, "routes[0].path"),
        (5, "routes[0].upstrem"),
    ] {
        let expected = format!("{}:{line}: {key}: ", file.display());
        assert!(errors.contains(&expected), "{expected}\n{errors}");
    }
    assert!(output.stdout.is_empty());
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named() {
    for command in ["serve", "check config"] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.extend(["--config", "/nowhere/gatekeeper.toml"]);
        let output = run(&arguments).await;
        let errors = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2));
        assert!(errors.contains("/nowhere/gatekeeper.toml"), "{errors}");
    }
}

#[tokio::test]
async fn help_and_usage_go_where_they_belong() {
    for arguments in [
        &["--help"][..],
        &["demo", "--help"],
        &["serve", "--help"],
        &["emulator", "--help"],
        &["health", "--help"],
        &["check", "config", "--help"],
    ] {
        let output = run(arguments).await;
        assert_eq!(output.status.code(), Some(0));
        let help = String::from_utf8(output.stdout).expect("UTF-8");
        let has_example = help.contains("Example:");
        assert!(has_example || arguments.len() == 1, "{help}");
    }
    for arguments in [&[][..], &["serv"], &["demo", "--listen", "here"]] {
        assert_eq!(run(arguments).await.status.code(), Some(2), "{arguments:?}");
    }
}

#[tokio::test]
async fn routes_that_could_decide_otherwise_are_named() {
    let toml = |users: &str| {
        format!(
            "[ghes]\nurl = \"https://ghes.example.com\"\n\
             [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"s\"\n\
             [[routes]]\npath = \"/a\"\nupstream = \"http://b\"\nusers = [{users}]\n"
        )
    };
    let file = |name: &str, text: &str| {
        let name = format!("ghes-gatekeeper-{name}-{}.toml", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, text).expect("a file");
        file.to_str().expect("UTF-8").to_owned()
    };
    let old = file("old", &toml("\"octocat\""));
    let new = file("new", &toml("\"octocat\", \"hubot\""));
    for (config, against, code, says) in [
        (&new, &old, 1, "/a: users\n"),
        (&old, &new, 1, "/a: users\n"),
        (&new, &new, 0, "every route and caller decides as before\n"),
    ] {
        let arguments = ["check", "config", "--config", config, "--against", against];
        let output = run(&arguments).await;
        assert_eq!(String::from_utf8_lossy(&output.stdout), says);
        assert_eq!(output.status.code(), Some(code));
    }
    for file in [old, new] {
        std::fs::remove_file(file).expect("the file");
    }
}
