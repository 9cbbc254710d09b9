//! TLS for clients: one certificate, reloaded when its files change.

mod certificate;
mod error;
mod validity;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::{Accept, TlsAcceptor};

use self::validity::{Trouble, Validity};
use super::stream::BoxStream;
use crate::causes::Causes;
use crate::watched::{WatchedFiles, keep_looking};

pub use self::certificate::CertificateFiles;
pub use self::error::TlsError;

/// The TLS 1.2 and 1.3 side of a listener. A handle: clones share the certificate.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

/// The certificate in force.
struct Certificate {
    files: CertificateFiles,
    key: ArcSwap<CertifiedKey>,
    /// Serialises the reloads.
    watched: Mutex<Watched>,
}

/// The state that is checked repeatedly: the files, and the dates of the last certificate.
struct Watched {
    files: WatchedFiles,
    validity: Validity,
    /// The last warning about the dates, so that it is logged once.
    told: Option<Trouble>,
}

impl Tls {
    /// Reads a certificate and its key.
    ///
    /// # Errors
    ///
    /// Returns [`TlsError`] if a file cannot be read or is damaged, or if they do not belong
    /// together.
    pub fn load(files: CertificateFiles) -> Result<Self, TlsError> {
        let watched = files.watch();
        let key = files.read()?;
        let watched = Mutex::new(Watched::new(watched, &key));
        let certificate = Arc::new(Certificate {
            files,
            key: ArcSwap::from_pointee(key),
            watched,
        });
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Config)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&certificate) as Arc<dyn ResolvesServerCert>);
        // Early data, sent before the handshake is done, can be replayed (RFC 8446 §8); 0 is
        // rustls' default.
        config.max_early_data_size = 0;
        config.alpn_protocols = vec![ALPN_H2.to_vec(), ALPN_HTTP_1_1.to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            certificate,
        })
    }

    pub(super) fn accept(&self, stream: BoxStream) -> Accept<BoxStream> {
        self.acceptor.accept(stream)
    }

    /// Reads the files again now, without waiting for the next check.
    ///
    /// A pair that does not work is reported, and the last good one stays in force.
    pub fn renew(&self) {
        self.certificate.renew();
    }

    /// Returns when the certificate in force or one of its chain ends, in seconds since 1970; none
    /// if no date can be read.
    pub(crate) fn expiry(&self) -> Option<u64> {
        self.certificate.watched().validity.end()
    }

    /// Watches the files for ever, and takes a new pair when both files are there.
    ///
    /// Existing connections keep theirs. A pair that does not work is reported once, and the last
    /// good one stays in force.
    pub(super) async fn keep_fresh(&self) -> Infallible {
        keep_looking(|| self.certificate.renew_if_changed()).await
    }
}

impl Watched {
    /// Faults at the start are among the [warnings] of the configuration.
    ///
    /// [warnings]: crate::config::Config::warnings
    fn new(files: WatchedFiles, key: &CertifiedKey) -> Self {
        let validity = Validity::of(&key.cert);
        Self {
            files,
            told: validity.trouble(SystemTime::now()),
            validity,
        }
    }
}

impl Certificate {
    fn renew_if_changed(&self) {
        let mut watched = self.watched();
        if watched.files.have_changed() {
            self.read(&mut watched);
        }
        self.warn(&mut watched);
    }

    fn renew(&self) {
        let mut watched = self.watched();
        watched.files.have_changed();
        self.read(&mut watched);
        self.warn(&mut watched);
    }

    /// Warns about the dates of a new certificate, and of one that ages while it is served.
    fn warn(&self, watched: &mut Watched) {
        let trouble = watched.validity.trouble(SystemTime::now());
        if trouble != watched.told
            && let Some(trouble) = trouble
        {
            tracing::warn!("{}", self.files.line(trouble));
        }
        watched.told = trouble;
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock()
    }

    fn read(&self, watched: &mut Watched) {
        match self.files.read() {
            Ok(key) => {
                watched.validity = Validity::of(&key.cert);
                watched.told = None;
                self.key.store(Arc::new(key));
                tracing::info!(
                    file = &*self.files.cert_file.to_string_lossy(),
                    "a new certificate is in force"
                );
            }
            Err(error) => tracing::error!(
                error.causes = %Causes(&error),
                "a new certificate cannot be served, and the last one stays in force: {error}",
            ),
        }
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key.load_full())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}

/// RFC 7301 §6, RFC 9113 §3.1.
pub(super) const ALPN_H2: &[u8] = b"h2";
const ALPN_HTTP_1_1: &[u8] = b"http/1.1";
