//! The short way to a validator, which is the protected one.

use std::fmt;

use tower::BoxError;

use super::{ProtectedCheck, Protection};
use crate::ghes::{App, GhesClient, GhesUrl, HttpsTransport, ProxyUrl, Transport};
use crate::validator::{Validator, ValidatorBuilder};

impl Validator<ProtectedCheck> {
    /// Makes the validator of one app of a GHES, with all that the proxy has around its own: limits,
    /// breakers, one safe retry, and memberships.
    ///
    /// It trusts the certificate authorities of the system, and reaches GHES by the proxy that
    /// `HTTPS_PROXY` and `NO_PROXY` name, if any. For a private authority or another proxy, there is
    /// [`for_ghes_over`](Self::for_ghes_over); for other limits, a second secret or several apps,
    /// [`Protection`].
    ///
    /// ```no_run
    /// use ghes_gatekeeper::GatekeeperLayer;
    /// use ghes_gatekeeper::ghes::App;
    /// use ghes_gatekeeper::policy::RequireGroup;
    /// use ghes_gatekeeper::validator::Validator;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let url = "https://ghes.example.com".parse()?;
    /// let app = App::new("Iv1.8a61f9b3a7aba766", std::env::var("CLIENT_SECRET")?);
    /// let gate = GatekeeperLayer::new(Validator::for_ghes(&url, &app)?)
    ///     .with_policy(RequireGroup::new("octo-org/platform".try_into()?));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`GhesSetupError`] if the client id cannot stand in a path, the environment names a
    /// proxy that cannot be used, or TLS cannot be set up.
    pub fn for_ghes(url: &GhesUrl, app: &App) -> Result<Self, GhesSetupError> {
        Self::for_ghes_over(url, app, transport_to(url)?)
    }

    /// Makes the same validator over connections of your own, or an emulator.
    ///
    /// # Errors
    ///
    /// Returns [`GhesSetupError`] if the client id cannot stand in a path.
    pub fn for_ghes_over(
        url: &GhesUrl,
        app: &App,
        transport: impl Transport,
    ) -> Result<Self, GhesSetupError> {
        Ok(Self::builder_for_ghes(url, app, transport)?.build())
    }

    /// Returns the options of that validator, for another cache.
    ///
    /// # Errors
    ///
    /// Returns [`GhesSetupError`] if the client id cannot stand in a path.
    pub fn builder_for_ghes(
        url: &GhesUrl,
        app: &App,
        transport: impl Transport,
    ) -> Result<ValidatorBuilder<ProtectedCheck>, GhesSetupError> {
        let client = GhesClient::new(url, app, transport).map_err(GhesSetupError::new)?;
        let protection = Protection::new();
        let (check, memberships, _) =
            protection.protect_with_memberships(client.clone(), [], client);
        Ok(Self::builder(check).with_memberships(memberships))
    }
}

/// Returns the usual connections to a GHES.
pub(crate) fn transport_to(url: &GhesUrl) -> Result<HttpsTransport, GhesSetupError> {
    let transport = HttpsTransport::new().map_err(GhesSetupError::new)?;
    let proxy = ProxyUrl::from_environment(url).map_err(GhesSetupError::new)?;
    Ok(match proxy {
        Some(proxy) => transport.with_proxy(proxy),
        None => transport,
    })
}

/// The error for a GHES that cannot be asked as it is described.
#[derive(Debug)]
pub struct GhesSetupError(BoxError);

impl GhesSetupError {
    pub(crate) fn new(source: impl Into<BoxError>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for GhesSetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GHES cannot be asked as described")
    }
}

impl std::error::Error for GhesSetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
