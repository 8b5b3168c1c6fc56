//! A count over the last so many milliseconds, in a fixed number of slots.

/// Slots of a window. The count is exact to a slot's width, and never too low:
/// the slot that the window begins in counts whole.
const SLOTS: u64 = 60;

/// What happened within the last `width` milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sliding {
    /// The slot, as a number since the epoch, and its count; oldest first. Slots
    /// without anything are left out.
    slots: Vec<(u64, u64)>,
}

impl Sliding {
    /// Adds to the slot of `now`.
    pub(super) fn add(&mut self, width_ms: u64, now: u64, amount: u64) {
        let slot = now / slot_ms(width_ms);
        if let Some((at, count)) = self.slots.last_mut()
            && *at == slot
        {
            *count = count.saturating_add(amount);
            return;
        }
        // A clock that was set back leaves slots that are ahead; they would never go.
        let oldest = slot.saturating_sub(SLOTS);
        self.slots.retain(|(at, _)| (oldest..slot).contains(at));
        self.slots.push((slot, amount));
    }

    /// Takes back what was added and did not happen.
    pub(super) fn take_back(&mut self, amount: u64) {
        let mut left = amount;
        for (_, count) in self.slots.iter_mut().rev() {
            let taken = left.min(*count);
            *count -= taken;
            left -= taken;
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

    fn counting(&self, width_ms: u64, now: u64) -> impl Iterator<Item = (u64, u64)> {
        let slot = now / slot_ms(width_ms);
        let range = slot.saturating_sub(SLOTS)..=slot;
        let slots = self.slots.iter().copied();
        slots.filter(move |(at, _)| range.contains(at))
    }
}

fn slot_ms(width_ms: u64) -> u64 {
    width_ms.div_ceil(SLOTS).max(1)
}
