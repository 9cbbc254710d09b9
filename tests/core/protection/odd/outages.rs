//! What is wrong with everybody is an outage, and is found out as soon as ever.

use std::time::Duration;

use ghes_gatekeeper::protection::BreakerState;
use tokio::time::{Instant, sleep};

use super::ghes::{Asked, Oddity};
use super::people::{Gate, OTHERS, Told};

async fn knock(gate: &Gate, person: usize) -> Told {
    let token = gate.ghes.token_of(person);
    gate.knock(&token).await.expect("no panic")
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_found_out_by_the_fifth_person() {
    let kinds = |asked, kinds: &'static [Oddity]| kinds.iter().map(move |kind| (asked, *kind));
    let checks = kinds(Asked::Check, &Oddity::OF_CHECKS);
    let memberships = kinds(Asked::Membership, &Oddity::OF_MEMBERSHIPS);
    for (asked, oddity) in checks.chain(memberships) {
        if oddity.status() != 503 {
            continue;
        }
        let gate = Gate::new(OTHERS, asked);
        gate.ghes.spoil(oddity, None);
        let state = || match asked {
            Asked::Check => gate.monitor.availability(),
            Asked::Membership => gate.monitor.memberships(),
        };
        let mut spoiled = 0;
        for person in 0..5 {
            assert_eq!(
                state(),
                BreakerState::Closed,
                "{asked:?} {oddity:?}: {person}"
            );
            assert_eq!(knock(&gate, person).await.status, 503);
            spoiled = gate.ghes.calls().0;
        }
        assert_eq!(state(), BreakerState::Open, "{asked:?} {oddity:?}");
        let refused = knock(&gate, 5).await;
        assert_eq!((refused.status, refused.retry_after), (503, Some(5)));
        assert_eq!(gate.ghes.calls().0, spoiled, "not asked");
    }
}

/// A gate that few people use, or one: nothing opens, and GHES is asked no more than before.
#[tokio::test(start_paused = true)]
async fn in_an_outage_four_people_ask_no_more_than_one_did() {
    for people in 1..=4 {
        for rate in [1, 5, 20] {
            for asked in [Asked::Check, Asked::Membership] {
                let gate = Gate::new(people, asked);
                let tokens: Vec<_> = (0..people).map(|who| gate.ghes.token_of(who)).collect();
                gate.ghes.spoil(Oddity::ServerError, None);
                let began_at = Instant::now();
                while began_at.elapsed() < Duration::from_secs(60) {
                    for token in &tokens {
                        gate.knock(token);
                    }
                    sleep(Duration::from_secs(1) / rate).await;
                    let seconds = began_at.elapsed().as_secs();
                    // Five failures, and then two probes a second, or a trial in 5 s and a tenth.
                    // As many people as must be heard for an outage may each have asked twice.
                    let before = match asked {
                        Asked::Check => 5 + 2 * seconds,
                        Asked::Membership => 5 + seconds * 10 / 55 + (people as u64 - 1) * 2,
                    };
                    let calls = gate.ghes.calls().0;
                    let shown = format!("{asked:?}, {people} at {rate} after {seconds} s");
                    assert!(calls <= before, "{shown}: {calls} of {before}");
                }
            }
        }
    }
}

/// An odd person asks all the time; the outage of all comes and goes.
#[tokio::test(start_paused = true)]
async fn one_who_stays_odd_does_not_use_up_the_trials() {
    for asked in [Asked::Check, Asked::Membership] {
        let gate = Gate::new(OTHERS, asked);
        let odd = gate.ghes.token_of(0);
        gate.ghes.spoil(Oddity::ServerError, None);
        for person in 0..6 {
            assert_eq!(knock(&gate, person).await.status, 503);
        }
        // All are well again, but for one.
        gate.ghes.spoil(Oddity::ServerError, Some(&odd));
        let began_at = Instant::now();
        let mut person = 6;
        while knock(&gate, person).await.status != 200 {
            for _ in 0..20 {
                gate.knock(&odd);
                sleep(Duration::from_millis(50)).await;
            }
            person += 1;
            // The first trial may be theirs, and the second, after 10 s and a tenth, is not.
            assert!(began_at.elapsed() < Duration::from_secs(13), "{asked:?}");
        }
    }
}
