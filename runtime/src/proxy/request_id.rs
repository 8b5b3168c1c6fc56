//! Names for requests: unique within a process for certain, and across
//! processes as good as certain, for the price of one atomic addition.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: LazyLock<AtomicU64> =
    LazyLock::new(|| AtomicU64::new(RandomState::new().hash_one("request id")));

/// `req_` and 13 characters of Crockford's base32.
pub fn request_id() -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut rest = mix(NEXT.fetch_add(1, Ordering::Relaxed));
    let mut id = String::with_capacity(17);
    id.push_str("req_");
    for _ in 0..13 {
        id.push(char::from(DIGITS[(rest & 31) as usize]));
        rest >>= 5;
    }
    id
}

/// The finalizer of SplitMix64, which maps no two numbers to one (Steele, Lea, Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_are_plain() {
        let ids: std::collections::HashSet<String> = (0..10_000).map(|_| request_id()).collect();
        assert_eq!(ids.len(), 10_000);
        let plain = |id: &String| {
            id.len() == 17 && id.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric())
        };
        assert!(ids.iter().all(plain));
    }
}
