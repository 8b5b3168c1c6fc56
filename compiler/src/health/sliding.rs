//! A count over the last so many milliseconds, in a fixed number of slots.

use serde::{Deserialize, Serialize};

/// Slots of a window. The count is exact to a slot's width, and never too low:
/// the slot that the window begins in counts whole.
const SLOTS: u64 = 60;

/// What happened within the last `width` milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Sliding {
    /// The slot, as a number since the epoch, and its count; oldest first. Slots
    /// without anything are left out.
    slots: Vec<(u64, u64)>,
}

impl Sliding {
    /// Adds to the slot of `now`, or to the next where that has begun: of two that read
    /// the clock at about the same time, the first to read it may be the second here.
    pub(super) fn add(&mut self, width_ms: u64, now: u64, amount: u64) {
        let slot = now / slot_ms(width_ms);
        if let Some((at, count)) = self.slots.last_mut()
            && (slot..=slot.saturating_add(1)).contains(at)
        {
            *count = count.saturating_add(amount);
            return;
        }
        // A clock that was set back leaves slots that are ahead; they would never go.
        let oldest = slot.saturating_sub(SLOTS);
        self.slots.retain(|(at, _)| (oldest..slot).contains(at));
        self.slots.push((slot, amount));
    }

    /// Takes back what was added at `then` and did not happen. Of a slot that is gone
    /// nothing is left to be taken: what others added later stays.
    pub(super) fn take_back(&mut self, width_ms: u64, then: u64, amount: u64) {
        let slot = then / slot_ms(width_ms);
        let range = slot..=slot.saturating_add(1);
        let mut slots = self.slots.iter_mut();
        if let Some((_, count)) = slots.find(|(at, _)| range.contains(at)) {
            *count = count.saturating_sub(amount);
        }
    }

    /// The sum over the window that ends at `now`.
    pub(super) fn sum(&self, width_ms: u64, now: u64) -> u64 {
        let counts = self.counting(width_ms, now).map(|(_, count)| count);
        counts.fold(0, u64::saturating_add)
    }

    /// When the sum falls to `most` or below, if nothing is added.
    pub(super) fn falls_to(&self, width_ms: u64, now: u64, most: u64) -> u64 {
        let mut sum = self.sum(width_ms, now);
        let mut until = now;
        for (slot, count) in self.counting(width_ms, now) {
            if sum <= most {
                break;
            }
            sum -= count.min(sum);
            let gone = slot.saturating_add(SLOTS + 1);
            until = gone.saturating_mul(slot_ms(width_ms));
        }
        until
    }

    /// The slots of the window that ends at `now`, and the next where it has begun.
    fn counting(&self, width_ms: u64, now: u64) -> impl Iterator<Item = (u64, u64)> {
        let slot = now / slot_ms(width_ms);
        let range = slot.saturating_sub(SLOTS)..=slot.saturating_add(1);
        let slots = self.slots.iter().copied();
        slots.filter(move |(at, _)| range.contains(at))
    }
}

fn slot_ms(width_ms: u64) -> u64 {
    width_ms.div_ceil(SLOTS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: u64 = 60_000;

    fn at(times: &[u64]) -> Sliding {
        let mut sliding = Sliding::default();
        for now in times {
            sliding.add(WIDTH, *now, 1);
        }
        sliding
    }

    #[test]
    fn whoever_comes_second_counts_and_loses_nobody() {
        let sliding = at(&[900, 999, 1_001, 999]);
        assert_eq!(sliding.sum(WIDTH, 1_001), 4);
        assert_eq!(sliding.sum(WIDTH, 999), 4);
        assert_eq!(
            sliding.sum(WIDTH, 61_000),
            2,
            "in the later of the two slots"
        );
        assert_eq!(sliding.sum(WIDTH, 62_000), 0);
    }

    #[test]
    fn what_is_taken_back_is_its_own() {
        let mut sliding = Sliding::default();
        sliding.add(WIDTH, 0, 40);
        sliding.add(WIDTH, 50_000, 50);
        sliding.take_back(WIDTH, 0, 30);
        assert_eq!(sliding.sum(WIDTH, 52_000), 60);
        assert_eq!(sliding.sum(WIDTH, 62_000), 50, "its slot is gone");
        sliding.take_back(WIDTH, 0, 30);
        assert_eq!(sliding.sum(WIDTH, 62_000), 50, "nothing of it is left");
        // Added to the slot that had begun already.
        sliding.add(WIDTH, 49_999, 5);
        sliding.take_back(WIDTH, 49_999, 5);
        assert_eq!(sliding.sum(WIDTH, 62_000), 50);
    }

    #[test]
    fn a_clock_that_is_set_back_starts_anew() {
        let sliding = at(&[90_000, 120_000, 100_000]);
        assert_eq!(sliding.sum(WIDTH, 100_000), 2);
        assert_eq!(sliding.sum(WIDTH, 120_000), 2, "what was ahead is gone");
    }
}
