//! Locust's rounding of response times (`bucket_response_time`): to 1 ms below 100 ms, to 10 below
//! 1,000, to 100 below 10,000, and to 1,000 from there; halves go to the even one.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "what is cast has been bounded before"
)]

use super::Key;

/// Whole seconds up to which keys are kept apart; beyond, all times have one rank.
const MOST_SECONDS: u16 = 4096;
/// By rounding step: the step in milliseconds, and the rank less the number of steps. Where one
/// step gives way to the next, both give the same key and the same rank.
const STEPS: [(f64, u16); 4] = [(1.0, 0), (10.0, 90), (100.0, 180), (1000.0, 270)];
/// The rank of all times beyond.
pub(super) const LAST_RANK: u16 = 270 + MOST_SECONDS + 1;
/// Added to a number below 2^51 it leaves no bits for a fraction, and the processor rounds halves
/// to even: quicker than a call where the target has no instruction for it.
const NO_FRACTION: f64 = 6_755_399_441_055_744.0;

/// The rank of a time in milliseconds, which is not negative.
///
/// Dividing first is exact enough: a time that is not midway between two keys is at least a unit
/// in its last place away from there, which is more than the quotient can be rounded by.
#[inline]
pub(super) fn rank(millis: f64) -> u16 {
    let (step, base) = STEPS[step_of(millis)];
    let beyond = f64::from(MOST_SECONDS + 1);
    let steps = (millis / step).min(beyond) + NO_FRACTION - NO_FRACTION;
    base + steps as u16
}

/// The key of a rank.
pub(super) fn key(rank: u16) -> Key {
    let rank = u32::from(rank);
    match rank {
        0..=100 => Key::Millis(rank),
        101..=190 => Key::Millis((rank - 90) * 10),
        191..=280 => Key::Millis((rank - 180) * 100),
        _ if rank < u32::from(LAST_RANK) => Key::Millis((rank - 270) * 1000),
        _ => Key::Long,
    }
}

/// The greatest time in milliseconds of a rank that is not the last.
pub(super) fn last(rank: u16) -> f64 {
    let (step, base) = match rank {
        0..100 => STEPS[0],
        100..190 => STEPS[1],
        190..280 => STEPS[2],
        _ => STEPS[3],
    };
    let steps = rank - base;
    let midway = (f64::from(steps) + 0.5) * step;
    if steps.is_multiple_of(2) { midway } else { midway.next_down() }
}

/// Rounds any finite time in milliseconds as Locust does.
pub(crate) fn rounded(millis: f64) -> f64 {
    /// From here on every `f64` is a whole number.
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    /// From here on neighbours are more than one step apart.
    const COARSE: f64 = 9_223_372_036_854_775_808.0;
    if millis < WHOLE {
        let step = STEPS[step_of(millis)].0;
        (millis / step).round_ties_even() * step
    } else if millis < COARSE {
        let (steps, rest) = (millis as u64 / 1000, millis as u64 % 1000);
        let up = rest > 500 || (rest == 500 && steps % 2 == 1);
        ((steps + u64::from(up)) * 1000) as f64
    } else {
        millis
    }
}

/// Which of the [`STEPS`] a time in milliseconds is rounded to.
#[inline]
fn step_of(millis: f64) -> usize {
    usize::from(millis >= 100.0) + usize::from(millis >= 1000.0) + usize::from(millis >= 10_000.0)
}
