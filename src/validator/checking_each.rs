use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::vec;

use tokio::time::Instant;

use super::recorder::{Entry, Recorder, Said};
use super::refusal::Refusal;
use super::{Answer, Checking, Validator};
use crate::check::{CheckError, CheckService};
use crate::token::AccessToken;

/// A future for what one of several validators says about a token, and which of them.
///
/// 1. The validator that found the token good within the hour is asked first, then the others in
///    order. Those that remember it as no good are not asked again.
/// 2. The first that finds it good ends it.
/// 3. An error that is [about one app](crate::check::CheckErrorKind::is_about_app) alone leaves it
///    to the others. If none of them finds the token good, that error is the outcome: the app that
///    could not ask might have.
/// 4. Any other error ends it at once, because the issuer is the same for all. The last good
///    answer of the one that was asked stands in for it as it does where there is one alone.
/// 5. Where all find the token no good, the outcome is the first refusal, in order, that says more
///    than that the app does not know it.
///
/// The time limit of a check is for each app by itself.
///
/// # Cancel safety
///
/// Dropping it at any time is fine: the check that is under way goes on, and its verdict is
/// remembered. Those whose turn had not come are not asked.
#[must_use = "futures do nothing unless polled"]
pub struct CheckingEach<C> {
    place: usize,
    asked: Validator<C>,
    checking: Checking,
    /// Each with its place.
    left: vec::IntoIter<(usize, Validator<C>)>,
    began_at: Instant,
    recorder: Recorder,
    token: AccessToken,
    refusal: Option<Refusal<Validator<C>>>,
    failure: Option<CheckError>,
}

impl<C: CheckService> CheckingEach<C> {
    /// Begins with `checking`, by which the first is asked.
    pub(super) fn new(
        (place, first): (usize, Validator<C>),
        checking: Checking,
        left: Vec<(usize, Validator<C>)>,
        token: AccessToken,
    ) -> Self {
        Self {
            place,
            checking,
            asked: first,
            left: left.into_iter(),
            began_at: Instant::now(),
            recorder: Recorder::NONE,
            token,
            refusal: None,
            failure: None,
        }
    }

    /// Asks one alone, about a token that it does not remember.
    pub(crate) fn only(place: usize, validator: Validator<C>, token: &AccessToken) -> Self {
        let checking = validator.check_as(token.clone(), false);
        Self::new((place, validator), checking, Vec::new(), token.clone())
    }

    /// Records what the issuer is asked.
    pub(crate) fn record(&mut self, recorder: Recorder) {
        self.recorder = recorder;
    }

    fn record_said(&self, outcome: &Result<Answer, CheckError>) {
        if let Some(said) = self.checking.said(outcome) {
            self.recorder.add(|| Entry {
                place: self.place,
                said: Said::OfToken(said),
                took: self.began_at.elapsed(),
            });
        }
    }

    /// Takes note of what was said; returns the outcome if there is no more to ask.
    fn note(&mut self, said: Result<Answer, CheckError>) -> Option<<Self as Future>::Output> {
        match said {
            Ok(answer) if answer.is_active() => return Some(Ok((self.asked.clone(), answer))),
            Ok(answer) => {
                let refusal = Refusal::new(self.place, self.asked.clone(), answer);
                self.refusal = Some(refusal.or(self.refusal.take()));
            }
            Err(error) if error.kind().is_about_app() => {
                self.failure.get_or_insert(error);
            }
            Err(error) => return Some(Err(error)),
        }
        match self.left.next() {
            Some((place, next)) => {
                self.checking = next.check_unless_refused(&self.token, false);
                self.began_at = Instant::now();
                (self.place, self.asked) = (place, next);
                None
            }
            None => self.outcome(),
        }
    }

    fn outcome(&mut self) -> Option<<Self as Future>::Output> {
        match self.failure.take() {
            Some(error) => Some(Err(error)),
            None => self.refusal.take().map(|refusal| Ok(refusal.into_parts())),
        }
    }
}

impl<C: CheckService> Future for CheckingEach<C> {
    type Output = Result<(Validator<C>, Answer), CheckError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            let said = ready!(Pin::new(&mut self.checking).poll(cx));
            if self.recorder.is_on() {
                self.record_said(&said);
            }
            if let Some(outcome) = self.note(said) {
                return Poll::Ready(outcome);
            }
        }
    }
}

impl<C> fmt::Debug for CheckingEach<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckingEach")
            .field("left", &self.left.len())
            .finish_non_exhaustive()
    }
}
