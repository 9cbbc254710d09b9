//! What `serve` does so that GHES is not asked in vain or too often.

use super::running::Running;
use super::servers::get;

#[tokio::test]
async fn the_next_secret_and_the_limits_are_in_force() {
    let mut emulator = Running::start(&["emulator", "--listen", "127.0.0.1:0"]);
    let ghes = emulator.address("emulator").await;
    let toml = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\n[ghes]\nurl = \"http://{ghes}\"\n\
         [[ghes.apps]]\nclient_id = \"Iv1.8a61f9b3a7aba766\"\nclient_secret = \"replaced\"\n\
         client_secret_next = \"3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f\"\n\
         [ghes.limits]\nrate = 1\nburst = 10\n\
         [[routes]]\npath = \"/\"\nupstream = \"http://{ghes}\"\n"
    );
    let port = ghes.rsplit_once(':').expect("a port").1;
    let file = std::env::temp_dir().join(format!("ghes-gatekeeper-protection-{port}.toml"));
    std::fs::write(&file, toml).expect("a file");
    let mut proxy = Running::start(&["serve", "--config", file.to_str().expect("UTF-8")]);
    let gate = proxy.address("gate").await;
    std::fs::remove_file(&file).expect("the file");

    let good = get(&gate, "e72e16c7e42f292c6912e7710c838347ae178b4a").await;
    assert_eq!(good, 406, "what the upstream answers");
    let mut unknown = Vec::new();
    // More than the burst, and in less time than the rate would give for the rest.
    for number in 0..30 {
        unknown.push(get(&gate, &format!("gho_nobody{number}")).await);
    }
    assert!(
        unknown.contains(&401) && unknown.contains(&503),
        "{unknown:?}"
    );
    assert_eq!(proxy.stop("-TERM").await, Some(0));
    assert_eq!(emulator.stop("-INT").await, Some(0));
}
