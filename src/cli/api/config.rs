use std::path::PathBuf;

use clap::Args;
use ghes_gatekeeper::config::GhesConfig;
use ghes_gatekeeper::ghes::{App, HttpsTransport};

use crate::cli::{Failure, environment};

/// Where GHES is.
#[derive(Args, Debug)]
pub(crate) struct ConfigArgument {
    /// The configuration file, of which only [ghes] is read; without it, only the environment is
    /// read.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The name of the configured server to use, if there are several.
    #[arg(long, value_name = "NAME")]
    ghes: Option<String>,
}

impl ConfigArgument {
    pub(crate) fn load(&self) -> Result<GhesConfig, Failure> {
        let variables = environment::variables("GHES_GATEKEEPER_GHES")?;
        let servers = GhesConfig::load(self.config.as_deref(), variables)
            .map_err(|errors| Failure::usage(errors.to_string()))?;
        pick_server(servers, self.ghes.as_deref())
    }
}

/// Returns the server with this name, or the only one.
fn pick_server(mut servers: Vec<GhesConfig>, name: Option<&str>) -> Result<GhesConfig, Failure> {
    let names: Vec<&str> = servers.iter().map(|ghes| &*ghes.name).collect();
    let at = match (name, servers.len()) {
        (None, 1) => Some(0),
        (None, _) => {
            let names = names.join(", ");
            return Err(Failure::usage(format!(
                "ghes has several servers; give --ghes with one of {names}"
            )));
        }
        (Some(name), _) => names.iter().position(|known| *known == name),
    };
    let at = at.ok_or_else(|| {
        let names = names.join(", ");
        Failure::usage(format!(
            "--ghes: the configuration has no such server; it has {names}"
        ))
    })?;
    Ok(servers.swap_remove(at))
}

/// Returns the app with this client id, or the only one.
pub(crate) fn pick_app(ghes: &GhesConfig, client_id: Option<&str>) -> Result<App, Failure> {
    let ids: Vec<&str> = ghes.apps.iter().map(|app| &*app.client_id).collect();
    let app = match (client_id, ghes.apps.as_slice()) {
        (_, []) => {
            let name = &ghes.name;
            return Err(Failure::usage(format!(
                "ghes.apps: missing; begin with [[ghes.apps]] and its client_id for {name}, \
                 or, with one server, set GHES_GATEKEEPER_GHES__APPS__0__CLIENT_ID",
            )));
        }
        (None, [app]) => Some(app),
        (None, _) => {
            let ids = ids.join(", ");
            return Err(Failure::usage(format!(
                "ghes.apps has several apps; give --client-id with one of {ids}"
            )));
        }
        (Some(client_id), apps) => apps.iter().find(|app| app.client_id == client_id),
    };
    let app = app.ok_or_else(|| {
        let ids = ids.join(", ");
        Failure::usage(format!(
            "--client-id: ghes.apps has no such app; it has {ids}"
        ))
    })?;
    Ok(App::new(&app.client_id, app.client_secret.clone()))
}

pub(super) fn transport(ghes: &GhesConfig) -> Result<HttpsTransport, Failure> {
    ghes.transport()
        .map_err(|error| Failure::running("cannot call GHES", error))
}
