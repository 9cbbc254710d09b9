//! The table: each oddity, of a check or a membership, of new or of known people, and for a client
//! that asks once, five or twenty times a second.

use super::ghes::{Asked, Oddity};
use super::people::{HalfAMinute, OTHERS, half_a_minute};

/// What GHES may be asked about the odd one in half a minute.
///
/// For a token: after 0, 1 and 3 s and then every 2 s, where one that fails used to be asked about
/// five times, and then cost two probes a second. For a membership: after 0, 1, 3, 7 and 13 s and
/// then every 6 s, where it used to be five times and then once in 5 s.
fn most_calls(asked: Asked) -> u64 {
    match asked {
        Asked::Check => 2 + 30 / 2,
        Asked::Membership => 4 + 30 / 6,
    }
}

/// Those who are let in cost one call, or two where their membership is asked for.
fn calls_for_others(asked: Asked) -> u64 {
    match asked {
        Asked::Check => OTHERS as u64,
        Asked::Membership => 2 * OTHERS as u64,
    }
}

async fn row(oddity: Oddity, asked: Asked) {
    for is_known in [false, true] {
        for rate in [1, 5, 20] {
            let shown = format!("{oddity:?}, {asked:?}, known: {is_known}, {rate} a second");
            let half_a_minute = half_a_minute(oddity, asked, rate, is_known).await;
            let HalfAMinute { others, odd, calls } = half_a_minute;
            assert_eq!(others.len(), OTHERS);
            let turned_away = others.iter().filter(|told| told.status != 200).count();
            assert_eq!(turned_away, 0, "{shown}");
            for told in &odd {
                assert_eq!(told.status, oddity.status(), "{shown}");
                let wants_wait = oddity.status() == 503;
                assert_eq!(told.retry_after.is_some(), wants_wait, "{shown}");
                assert!(told.retry_after.is_none_or(|wait| wait <= 6), "{shown}");
            }
            assert!(
                (1..=most_calls(asked)).contains(&calls.0),
                "{shown}: {calls:?}"
            );
            // The odd person's token is checked beside the question that is spoiled.
            let of_odd = u64::from(asked == Asked::Membership);
            assert!(
                calls.1 <= calls_for_others(asked) + of_odd,
                "{shown}: {calls:?}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_answer_about_one_token_turns_nobody_else_away() {
    for oddity in Oddity::OF_CHECKS {
        row(oddity, Asked::Check).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_odd_answer_about_one_membership_turns_nobody_else_away() {
    for oddity in Oddity::OF_MEMBERSHIPS {
        row(oddity, Asked::Membership).await;
    }
}
