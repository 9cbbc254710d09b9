use std::time::Duration;

use futures_util::future::join_all;
use ghes_gatekeeper::check::{CheckError, CheckErrorKind};
use ghes_gatekeeper::proxy::{IssuerApp, Proxy};

use super::failure::chain;

/// Asks each GHES as each app until it answers, so that the operator learns at once what
/// clients would run into, and so that the proxy becomes ready even if no client comes.
pub(super) async fn run(proxy: Proxy) {
    let apps = proxy.apps();
    let asked = apps.iter().map(async |app| {
        if until_answered(|| app.ask(), |error| warn(app, error)).await {
            accepted(app);
        }
    });
    join_all(asked).await;
}

/// Asks until there is an answer, and returns whether it is a yes. What is wrong is told once, until
/// something else is.
async fn until_answered<R>(ask: impl Fn() -> R, tell: impl Fn(&CheckError)) -> bool
where
    R: Future<Output = Result<(), CheckError>>,
{
    let mut told = None;
    let mut wait = SHORTEST_WAIT;
    while let Err(error) = ask().await {
        let kind = error.kind();
        if told.replace(kind) != Some(kind) {
            tell(&error);
        }
        match kind {
            // This is an answer; what holds back further calls also finds out when to make them.
            CheckErrorKind::CredentialsRefused => return false,
            // A wrong password that a proxy gets too often may lock its account.
            CheckErrorKind::ProxyRefused => tokio::time::sleep(PROXY_WAIT).await,
            _ => tokio::time::sleep(wait).await,
        }
        wait = LONGEST_WAIT.min(2 * wait);
    }
    true
}

fn accepted(app: &IssuerApp) {
    tracing::info!(
        ghes.name = app.ghes(),
        app.client_id = app.client_id(),
        "{} answers, and accepts the app's credentials",
        app.url(),
    );
}

fn warn(app: &IssuerApp, error: &CheckError) {
    tracing::warn!(
        ghes.name = app.ghes(),
        app.client_id = app.client_id(),
        "{}; {}",
        chain(&format!("{} cannot be asked yet", app.url()), error),
        cure(error.kind()),
    );
}

/// As long as a client is told to wait.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// Balancers notice within this time that GHES is there, and a hundred gates cost it ten calls a
/// second.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Directories lock an account after some three to ten wrong passwords within half an hour; the
/// refusal must be mended by hand, whatever we do.
const PROXY_WAIT: Duration = Duration::from_secs(10 * 60);

fn cure(kind: CheckErrorKind) -> &'static str {
    match kind {
        CheckErrorKind::CredentialsRefused => {
            "compare client_id and client_secret in [[ghes.apps]] with the app's page on GHES"
        }
        CheckErrorKind::AppMismatch
        | CheckErrorKind::DoubtfulResponse
        | CheckErrorKind::Redirect
        | CheckErrorKind::TooLarge
        | CheckErrorKind::UnexpectedResponse => {
            "check that ghes.url is the address that people open in a browser"
        }
        CheckErrorKind::Forbidden => {
            "check whether GHES has suspended the app, or does not allow \
             this address"
        }
        CheckErrorKind::ProxyRefused => {
            "check the user name and password of ghes.proxy, and that it may connect there"
        }
        CheckErrorKind::Tls => "check that ghes.ca_file has the authority of its certificate",
        _ => "until it can, clients without a remembered token get 503",
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use tokio::time::Instant;

    use super::*;

    use CheckErrorKind::{Connect, CredentialsRefused, ProxyRefused, Timeout};

    /// Asks what fails so often and then answers: when it was asked, in seconds, and what was told.
    async fn asked(failures: &[CheckErrorKind]) -> (bool, Vec<u64>, Vec<CheckErrorKind>) {
        let began_at = Instant::now();
        let (at, times, told) = (Cell::new(0), RefCell::default(), RefCell::default());
        let ask = async || {
            RefCell::<Vec<_>>::borrow_mut(&times).push(began_at.elapsed().as_secs());
            let failure = failures.get(at.replace(at.get() + 1));
            failure.map_or(Ok(()), |kind| Err(CheckError::new(*kind)))
        };
        let tell = |error: &CheckError| RefCell::<Vec<_>>::borrow_mut(&told).push(error.kind());
        let is_yes = until_answered(ask, tell).await;
        (is_yes, times.into_inner(), told.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn a_proxy_that_refuses_us_is_asked_again_after_ten_minutes() {
        for (failures, times, told) in [
            (&[ProxyRefused; 4][..], &[0, 600, 1200, 1800, 2400][..], 1),
            (&[Connect, ProxyRefused, Connect], &[0, 1, 601, 605], 3),
            (
                &[ProxyRefused, ProxyRefused, Timeout],
                &[0, 600, 1200, 1204],
                2,
            ),
        ] {
            let (is_yes, asked_at, told_of) = asked(failures).await;
            assert_eq!(asked_at, times, "{failures:?}");
            assert_eq!(told_of.len(), told, "{told_of:?}");
            assert!(is_yes);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn all_else_is_asked_again_soon_and_told_once() {
        let (is_yes, times, told) = asked(&[Connect; 7]).await;
        assert_eq!(times, [0, 1, 3, 7, 15, 25, 35, 45]);
        assert_eq!(told, [Connect]);
        assert!(is_yes);
    }

    #[tokio::test(start_paused = true)]
    async fn refused_credentials_are_an_answer() {
        let (is_yes, times, told) = asked(&[CredentialsRefused, Connect]).await;
        assert_eq!((is_yes, times), (false, vec![0]));
        assert_eq!(told, [CredentialsRefused]);
    }
}
