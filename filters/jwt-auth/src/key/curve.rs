//! The elliptic curves of RFC 7518 section 6.2.1.1.

use rsa::BigUint;

use crate::{algorithm::Algorithm, der};

/// An elliptic curve for ECDSA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    pub(crate) const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
        }
    }

    pub(crate) const fn algorithm(self) -> Algorithm {
        match self {
            Self::P256 => Algorithm::Es256,
            Self::P384 => Algorithm::Es384,
            Self::P521 => Algorithm::Es512,
        }
    }

    pub(crate) const fn identifier(self) -> &'static [u8] {
        match self {
            Self::P256 => der::EC_P256,
            Self::P384 => der::EC_P384,
            Self::P521 => der::EC_P521,
        }
    }

    pub(crate) const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    pub(crate) const fn signature_bytes(self) -> usize {
        match self {
            Self::P256 => 64,
            Self::P384 => 96,
            Self::P521 => 132,
        }
    }

    pub(crate) const fn point_bytes(self) -> usize {
        match self {
            Self::P256 => 65,
            Self::P384 => 97,
            Self::P521 => 133,
        }
    }
}

/// Returns `true` if an uncompressed point is on P-521: `y^2 = x^3 - 3x + b` (FIPS 186-4 D.1.2.5).
///
/// No dependency supports this curve, and the proxy gets only points that were checked.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "BigUint is unbounded, and no result is negative"
)]
pub(crate) fn is_on_p521(point: &[u8]) -> bool {
    const B: &[u8] = b"51953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109\
        E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00";
    let Some((x, y)) = point.get(1..).and_then(|coordinates| coordinates.split_at_checked(66))
    else {
        return false;
    };
    let Some(b) = BigUint::parse_bytes(B, 16) else { return false };
    let prime = (BigUint::from(1_u8) << 521) - 1_u8;
    let (x, y) = (BigUint::from_bytes_be(x), BigUint::from_bytes_be(y));
    if x >= prime || y >= prime {
        return false;
    }
    let left = &y * &y + BigUint::from(3_u8) * &x;
    let right = &x * &x * &x + b;
    left % &prime == right % &prime
}
