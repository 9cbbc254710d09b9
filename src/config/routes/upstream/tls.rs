use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};

use super::UpstreamUrl;
use crate::config::ghes::{ca_file, certificates};
use crate::config::reader::section::Section;
use crate::config::reader::source::Node;
use crate::ghes::system_roots;

/// `[routes.upstream_tls]`: how `https://` is spoken with a route's upstreams.
///
/// TLS 1.2 or 1.3; the certificate is verified against the system's roots and `ca_file`.
#[derive(Clone)]
#[non_exhaustive]
pub struct UpstreamTls {
    /// Certificates to trust besides the system's roots. Absent: the system's roots only.
    pub ca_file: Option<PathBuf>,
    /// The certificate that we show, and what leads from it to its root. Absent: none.
    pub client_cert_file: Option<PathBuf>,
    /// Its private key. Absent: none; both or neither.
    pub client_key_file: Option<PathBuf>,
    /// The name that the upstream's certificate is for. Absent: the host of each address.
    pub server_name: Option<ServerName<'static>>,
    /// Whether any certificate will do. Absent: no, for anybody in between could read and change
    /// everything, tokens included if they are forwarded.
    pub danger_accept_invalid_certs: bool,
    client: Arc<ClientConfig>,
}

/// Reads the table. `upstreams` is none where they could not be read themselves.
pub(in crate::config) fn read(
    route: &mut Section<'_>,
    upstreams: Option<&[UpstreamUrl]>,
) -> Option<Option<UpstreamTls>> {
    let is_given = route.has("upstream_tls");
    let is_https = upstreams.is_some_and(|all| all.iter().any(UpstreamUrl::is_https));
    if !is_given && !is_https {
        return Some(None);
    }
    let tls = route.section("upstream_tls", UpstreamTls::read);
    if upstreams.is_some() && !is_https {
        route.refuse(
            "upstream_tls",
            "no upstream of this route is https://; drop it",
        );
    }
    tls.map(Some)
}

impl UpstreamTls {
    pub(crate) fn client(&self) -> &Arc<ClientConfig> {
        &self.client
    }

    fn read(tls: &mut Section<'_>) -> Option<Self> {
        let ca_file = tls.optional("ca_file", ca_file);
        let server_name = tls.optional("server_name", server_name);
        let (cert, key) = ("client_cert_file", "client_key_file");
        let client_cert_file = tls.optional(cert, path);
        let client_key_file = tls.optional(key, path);
        for (one, other, is_alone) in [
            (
                cert,
                key,
                client_cert_file.is_some() && client_key_file.is_none(),
            ),
            (
                key,
                cert,
                client_key_file.is_some() && client_cert_file.is_none(),
            ),
        ] {
            if is_alone {
                tls.refuse(one, format!("is of no use alone; give {other} too"));
            }
        }
        let danger_accept_invalid_certs = tls.flag("danger_accept_invalid_certs");
        let identity = client_cert_file.as_deref().zip(client_key_file.as_deref());
        let client = client(ca_file.as_deref(), identity, danger_accept_invalid_certs);
        let client = client.map_err(|message| tls.refuse(cert, message)).ok();
        Some(Self {
            ca_file,
            client_cert_file,
            client_key_file,
            server_name,
            danger_accept_invalid_certs,
            client: Arc::new(client?),
        })
    }
}

/// What the files say, for rustls. Only the client's certificate and key can still be wrong.
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

fn path(node: Node) -> Result<PathBuf, String> {
    node.text().map(PathBuf::from)
}

fn server_name(node: Node) -> Result<ServerName<'static>, String> {
    let name = node.text()?;
    ServerName::try_from(name).map_err(|_| "not a host name; write the name alone".to_owned())
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

/// Believes every certificate, whoever shows it; that its key is at hand is still verified.
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
