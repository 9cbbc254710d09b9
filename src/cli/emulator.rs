use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use ghes_gatekeeper::emulator::{Emulator, Version, World};
use ghes_gatekeeper::proxy::serve;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

use super::Failure;
use super::listen::{Announcer, Shutdown, bind};

#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  ghes-gatekeeper emulator --listen 127.0.0.1:9090
  curl -u Iv1.8a61f9b3a7aba766:3ef4ad510c59ad37bac6bb4f80047fb3aee3cc7f \\
    http://127.0.0.1:9090/api/v3/applications/Iv1.8a61f9b3a7aba766/token \\
    -d '{\"access_token\":\"e72e16c7e42f292c6912e7710c838347ae178b4a\"}'

It trusts every client: keep it on loopback.")]
pub(super) struct Arguments {
    /// The address to listen on; port 0 takes any free port.
    #[arg(long, default_value = "127.0.0.1:9090", value_name = "ADDR")]
    listen: SocketAddr,

    /// Users, apps and tokens, as TOML; by default the world of GitHub's documents.
    #[arg(long, value_name = "FILE")]
    world: Option<PathBuf>,

    /// The GHES version to emulate.
    #[arg(long, default_value_t, value_name = "VERSION")]
    ghes_version: Version,

    /// The seed of the tokens and codes it makes: the same number makes the same tokens.
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    seed: u64,
}

pub(super) async fn run(arguments: Arguments, announcer: Announcer) -> Result<(), Failure> {
    let emulator = Emulator::new(world(&arguments)?)
        .with_version(arguments.ghes_version)
        .with_seed(arguments.seed);
    let shutdown = Shutdown::on_signals()?;
    let listener = bind(arguments.listen).await?;
    announcer.announce(&listener, "emulator")?;
    let server = serve_emulator(listener, emulator, shutdown.clone());
    shutdown.end_of(server).await;
    Ok(())
}

/// Serves an emulator on one address until the order to stop.
pub(super) async fn serve_emulator(listener: TcpListener, emulator: Emulator, shutdown: Shutdown) {
    let service = TowerToHyperService::new(emulator);
    serve(listener, |_| service.clone(), shutdown.ordered()).await;
}

fn world(arguments: &Arguments) -> Result<World, Failure> {
    let Some(file) = &arguments.world else {
        return Ok(World::default());
    };
    let name = file.display();
    let toml = fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{name}: cannot be read: {error}")))?;
    World::from_toml(&toml).map_err(|error| Failure::usage(format!("{name}: {error}")))
}
