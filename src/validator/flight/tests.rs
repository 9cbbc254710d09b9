use std::sync::Arc;

use super::{Outcome, Seats};
use crate::check::{CheckErrorKind, InactiveReason, Verdict};
use crate::token::TokenHash;

fn hash() -> TokenHash {
    TokenHash::of("a")
}

type Flights = super::Flights<TokenHash, Verdict>;

fn outcome() -> Outcome<Verdict> {
    Ok(Verdict::Inactive(InactiveReason::Unknown))
}

#[tokio::test]
async fn one_landing_answers_all() {
    let flights = Arc::new(Flights::default());
    let (first, landing) = flights.board(&hash(), false).unwrap();
    let (second, none) = flights.board(&hash(), false).unwrap();
    assert!(none.is_none());
    landing.unwrap().land(&outcome());
    assert!(matches!(first.await, Ok(Verdict::Inactive(_))));
    assert!(matches!(second.await, Ok(Verdict::Inactive(_))));
}

#[tokio::test]
async fn a_flight_without_an_answer_is_an_error_for_all() {
    let flights = Arc::new(Flights::default());
    let (first, landing) = flights.board(&hash(), false).unwrap();
    let (second, _) = flights.board(&hash(), false).unwrap();
    drop(landing);
    for checking in [first, second] {
        let error = checking.await.unwrap_err();
        assert_eq!(error.kind(), CheckErrorKind::Unavailable);
    }
    assert!(flights.is_empty());
}

#[tokio::test]
async fn the_next_flight_survives_the_end_of_the_last() {
    let flights = Arc::new(Flights::default());
    let (last, landing) = flights.board(&hash(), false).unwrap();
    let landing = landing.unwrap();
    // A caller that boards while the last waiters are told must not lose its flight.
    let boarding = async {
        last.await.unwrap();
        flights.board(&hash(), false).unwrap()
    };
    let ((next, next_landing), ()) = tokio::join!(boarding, async { landing.land(&outcome()) });
    next_landing.unwrap().land(&outcome());
    assert!(next.await.is_ok());
}

#[tokio::test]
async fn all_callers_may_leave() {
    let flights = Arc::new(Flights::default());
    let (first, landing) = flights.board(&hash(), false).unwrap();
    drop(first);
    let (second, none) = flights.board(&hash(), false).unwrap();
    assert!(none.is_none());
    drop(second);
    landing.unwrap().land(&outcome());
    assert!(flights.is_empty());
}

#[tokio::test]
async fn seats_are_limited_per_flight_and_in_all_and_become_free_again() {
    let seats = Seats {
        per_flight: 2,
        in_all: 3,
    };
    let flights = Arc::new(Flights::new(seats));
    let [a, b, c] = ["a", "b", "c"].map(TokenHash::of);
    let (_first, landing) = flights.board(&a, true).unwrap();
    let (_second, _) = flights.board(&a, true).unwrap();
    assert!(flights.board(&a, true).is_none());
    let (_third, other) = flights.board(&b, true).unwrap();
    assert!(flights.board(&c, true).is_none());
    landing.unwrap().land(&outcome());
    assert!(flights.board(&c, true).is_some());
    drop(other);
    assert!(flights.is_empty());
}

#[tokio::test]
async fn strangers_leave_a_quarter_of_the_seats_and_renewals_take_none() {
    let seats = Seats {
        per_flight: 8,
        in_all: 8,
    };
    let flights = Arc::new(Flights::new(seats));
    let mut taken: Vec<_> = (0..6).map(|_| flights.board(&hash(), false)).collect();
    assert!(taken.iter().all(Option::is_some));
    assert!(flights.board(&hash(), false).is_none());
    taken.extend((0..2).map(|_| flights.board(&TokenHash::of("known"), true)));
    assert!(taken.iter().all(Option::is_some));
    assert!(flights.board(&TokenHash::of("known"), true).is_none());

    let renewed = TokenHash::of("renewed");
    let landing = flights.begin(&renewed).expect("a flight without a seat");
    assert!(flights.begin(&renewed).is_none(), "one is under way");
    drop((landing, taken));
    assert!(flights.is_empty());
}
