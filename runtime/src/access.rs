//! Who may call: the key a caller sends against the one the plan asks for.

mod pages;

use std::fmt;

use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;

use crate::http1::Headers;

pub(crate) use pages::{Names, Stranger};

/// Why a caller is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// No key was sent.
    Missing,
    /// A key was sent, and it is not the one.
    Invalid,
}

impl Denied {
    /// The word the API uses.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Invalid => "invalid",
        }
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the caller's key is {}", self.reason())
    }
}

impl std::error::Error for Denied {}

/// Accepts a caller that sends `required` as `x-api-key` or as
/// `Authorization: Bearer`; everybody when nothing is required. Clients may send
/// both headers, and one right key is enough.
///
/// # Errors
/// [`Denied`] when no key, or no right one, was sent.
pub fn check(required: Option<&str>, headers: &Headers) -> Result<(), Denied> {
    let Some(required) = required else {
        return Ok(());
    };
    // Hashes have one length, so neither the length nor a shared beginning shows in the time.
    let required = blake3::hash(required.as_bytes());
    let mut denied = Denied::Missing;
    for key in presented(headers).filter(|key| !key.is_empty()) {
        let equal = blake3::hash(key).as_bytes().ct_eq(required.as_bytes());
        if bool::from(equal) {
            return Ok(());
        }
        denied = Denied::Invalid;
    }
    Err(denied)
}

fn presented(headers: &Headers) -> impl Iterator<Item = &[u8]> {
    let plain = headers.get_all("x-api-key").map(<[u8]>::trim_ascii);
    let bearer = headers.get_all(AUTHORIZATION).filter_map(bearer);
    plain.chain(bearer)
}

/// The token of `Bearer <token>`; the scheme's case does not matter (RFC 9110 §11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked(7)?;
    scheme
        .eq_ignore_ascii_case(b"bearer ")
        .then(|| token.trim_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_header_carries_the_key() {
        for pairs in [
            &[("x-api-key", "right")][..],
            &[("X-Api-Key", "right")],
            &[("AUTHORIZATION", "Bearer right")],
            &[("authorization", "Bearer right")],
            &[("authorization", "bearer  right")],
            &[("x-api-key", "wrong"), ("authorization", "Bearer right")],
        ] {
            assert_eq!(
                check(Some("right"), &Headers::of(pairs)),
                Ok(()),
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn everything_else_is_denied() {
        for (pairs, denied) in [
            (&[][..], Denied::Missing),
            (&[("x-api-key", "")], Denied::Missing),
            (&[("authorization", "Basic right")], Denied::Missing),
            (&[("authorization", "Bearer ")], Denied::Missing),
            (&[("x-api-key", "righ")], Denied::Invalid),
            (&[("x-api-key", "right2")], Denied::Invalid),
            (&[("authorization", "Bearer Right")], Denied::Invalid),
        ] {
            assert_eq!(
                check(Some("right"), &Headers::of(pairs)),
                Err(denied),
                "{pairs:?}"
            );
        }
    }

    #[test]
    fn nothing_required_lets_everybody_in() {
        assert_eq!(
            check(None, &Headers::of(&[("x-api-key", "anything")])),
            Ok(())
        );
        assert_eq!(check(None, &Headers::default()), Ok(()));
    }
}
