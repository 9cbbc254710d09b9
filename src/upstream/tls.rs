use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use crate::connect::{Contents, certificates, system_roots};

/// TLS towards upstreams with `https://`.
///
/// TLS 1.2 or 1.3; the certificate is verified against the system's roots and `ca_file`.
#[derive(Clone)]
#[non_exhaustive]
pub struct UpstreamTls {
    /// Certificates to trust besides the system's roots. Absent: the system's roots only.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, followed by its chain to the root. Absent: none.
    pub client_cert_file: Option<PathBuf>,
    /// Its private key. Absent: none; both or neither.
    pub client_key_file: Option<PathBuf>,
    /// The name in the upstream's certificate. Absent: the host of each address.
    pub server_name: Option<ServerName<'static>>,
    /// Whether any certificate is accepted. Absent: no.
    ///
    /// An attacker on the path could read and change everything, tokens included if they are
    /// forwarded.
    pub danger_accept_invalid_certs: bool,
    client: Arc<ClientConfig>,
    /// What was in the files.
    contents: Contents,
}

impl UpstreamTls {
    /// Tells whether both name the same server and the same files, with the same in them.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.contents == other.contents
            && self.ca_file == other.ca_file
            && self.client_cert_file == other.client_cert_file
            && self.client_key_file == other.client_key_file
            && self.server_name == other.server_name
            && self.danger_accept_invalid_certs == other.danger_accept_invalid_certs
    }

    pub(crate) fn client(&self) -> &Arc<ClientConfig> {
        &self.client
    }

    /// Reads the files.
    ///
    /// # Errors
    ///
    /// Returns a message for the operator about the faulty file.
    pub(crate) fn new(
        ca_file: Option<PathBuf>,
        identity: Option<(PathBuf, PathBuf)>,
        server_name: Option<ServerName<'static>>,
        danger_accept_invalid_certs: bool,
    ) -> Result<Self, String> {
        let files = identity.as_ref().map(|(cert, key)| (&**cert, &**key));
        let client = client(ca_file.as_deref(), files, danger_accept_invalid_certs)?;
        let all = identity.iter().flat_map(|(cert, key)| [cert, key]);
        let contents = Contents::of(ca_file.iter().chain(all));
        let (client_cert_file, client_key_file) = identity.unzip();
        Ok(Self {
            ca_file,
            client_cert_file,
            client_key_file,
            server_name,
            danger_accept_invalid_certs,
            client: Arc::new(client),
            contents,
        })
    }
}

/// Makes rustls' configuration from the files. Only the client's certificate and key can still be
/// wrong.
fn client(
    ca_file: Option<&Path>,
    identity: Option<(&Path, &Path)>,
    accept_invalid_certs: bool,
) -> Result<ClientConfig, String> {
    let mut roots = system_roots();
    let extra = ca_file.map(certificates).transpose()?;
    roots.add_parsable_certificates(extra.into_iter().flatten());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let mut client = match identity {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => builder
            .with_client_auth_cert(certificates(cert)?, private_key(key)?)
            .map_err(|error| format!("does not go with client_key_file: {error}"))?,
    };
    if accept_invalid_certs {
        let anyone = Arc::new(AnyCertificate(provider));
        client.dangerous().set_certificate_verifier(anyone);
    }
    Ok(client)
}

/// The content of the file stays out of the message.
fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(file)
        .map_err(|_| format!("cannot read a private key as PEM from client_key_file, {file:?}"))
}

impl fmt::Debug for UpstreamTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dangerous = self.danger_accept_invalid_certs;
        f.debug_struct("UpstreamTls")
            .field("ca_file", &self.ca_file)
            .field("client_cert_file", &self.client_cert_file)
            .field("client_key_file", &self.client_key_file)
            .field("server_name", &self.server_name)
            .field("danger_accept_invalid_certs", &dangerous)
            .finish_non_exhaustive()
    }
}

/// Accepts every certificate; that the peer has its key is still verified.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
