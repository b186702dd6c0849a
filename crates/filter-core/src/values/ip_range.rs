//! IP address ranges.

use std::{fmt, net::IpAddr, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::config::shown::Shown;

/// A range of IP addresses in CIDR notation (`10.0.0.0/8`, `2001:db8::/32`).
///
/// An address without a prefix length is a range of one address. Bits after the prefix are ignored,
/// as in Envoy. An IPv4-mapped IPv6 address (`::ffff:10.0.0.1`) matches as IPv4.
#[derive(Clone, Copy, Debug, Eq, Hash, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "String",
    title = "address range, such as 10.0.0.0/8 or 2001:db8::/32",
    extend(
        "pattern" = "^[0-9A-Fa-f:.]+(/[0-9]+)?$",
        "examples" = ["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]
    )
)]
pub struct IpRange {
    /// The prefix in the most significant bits; all other bits are zero.
    bits: u128,
    /// Length of the prefix, in bits.
    length: u8,
    is_v4: bool,
}

/// Error for a text that is not an address range.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be an address range such as 10.0.0.0/8 or 2001:db8::/32")]
pub struct InvalidIpRange;

impl IpRange {
    /// Returns `true` if the range contains an address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (bits, is_v4) = aligned(address.to_canonical());
        self.is_v4 == is_v4 && masked(bits, self.length) == self.bits
    }

    /// Returns an IPv4-mapped range as IPv4; `None` for every other range.
    pub(super) fn unmapped(&self) -> Option<Self> {
        let length = self.length.checked_sub(96).filter(|_| !self.is_v4)?;
        let is_mapped = self.bits.checked_shr(32) == Some(0xffff);
        is_mapped.then(|| Self { bits: self.bits.wrapping_shl(96), length, is_v4: true })
    }

    pub(super) const fn is_v4(&self) -> bool {
        self.is_v4
    }

    /// Returns the first and the last address, in the most significant bits.
    pub(super) fn bounds(&self) -> (u128, u128) {
        (self.bits, self.bits | u128::MAX.checked_shr(self.length.into()).unwrap_or(0))
    }

    /// Returns `true` if the range contains every address of `other`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.is_v4 == other.is_v4
            && self.length <= other.length
            && masked(other.bits, self.length) == self.bits
    }
}

/// Returns an address in the most significant bits, and `true` for IPv4.
pub(super) fn aligned(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()).wrapping_shl(96), true),
        IpAddr::V6(v6) => (v6.to_bits(), false),
    }
}

fn masked(bits: u128, length: u8) -> u128 {
    let dropped = 128_u32.saturating_sub(length.into());
    bits & u128::MAX.checked_shl(dropped).unwrap_or(0)
}

impl FromStr for IpRange {
    type Err = InvalidIpRange;

    fn from_str(text: &str) -> Result<Self, InvalidIpRange> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, l)| (a, Some(l)));
        let address: IpAddr = address.parse().map_err(|_| InvalidIpRange)?;
        let (bits, is_v4) = aligned(address);
        let max = if is_v4 { 32 } else { 128 };
        let length = length.map_or(Some(max), |text| {
            let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|length| is_number && *length <= max)
        });
        let length = length.ok_or(InvalidIpRange)?;
        Ok(Self { bits: masked(bits, length), length, is_v4 })
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = if self.is_v4 {
            let bits = u32::try_from(self.bits.wrapping_shr(96)).unwrap_or_default();
            IpAddr::V4(bits.into())
        } else {
            IpAddr::V6(self.bits.into())
        };
        write!(out, "{address}/{}", self.length)
    }
}

impl<'de> Deserialize<'de> for IpRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let range = value.as_str().ok_or(InvalidIpRange).and_then(str::parse);
        range.map_err(|rule| D::Error::custom(format_args!("{rule}, {}", Shown(&value))))
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde_json::json;

    use super::*;

    #[test]
    fn contains_addresses_with_its_prefix() {
        for (range, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.1.2.3/8", "10.9.9.9", true),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.8", false),
            ("192.0.2.0/31", "192.0.2.1", true),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("::/0", "127.0.0.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::1/128", "::1", true),
        ] {
            let parsed: IpRange = range.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), inside, "{range} {address}");
        }
    }

    #[test]
    fn covers_narrower_ranges() {
        for (wide, narrow, covers) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.1.0.0/16", "10.0.0.0/8", false),
            ("10.0.0.0/8", "11.0.0.0/16", false),
            ("::/0", "10.0.0.0/8", false),
            ("10.0.0.0/8", "10.0.0.0/8", true),
        ] {
            let (wide, narrow): (IpRange, IpRange) =
                (wide.parse().unwrap(), narrow.parse().unwrap());
            assert_eq!(wide.covers(&narrow), covers, "{wide} {narrow}");
        }
    }

    #[test]
    fn displays_only_the_prefix() {
        for (text, shown) in
            [("10.1.2.3/8", "10.0.0.0/8"), ("::1", "::1/128"), ("2001:db8::1/32", "2001:db8::/32")]
        {
            assert_eq!(text.parse::<IpRange>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn refuses_invalid_ranges() {
        for value in [
            json!(""),
            json!("10.0.0.0/33"),
            json!("::/129"),
            json!("10.0.0.0/"),
            json!("10.0.0.0/+8"),
            json!("10.0.0/8"),
            json!("10.0.0.0/8/8"),
            json!("example.com"),
            json!("10.0.0.0:80"),
        ] {
            let error = serde_json::from_value::<IpRange>(value.clone()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "must be an address range such as 10.0.0.0/8 or 2001:db8::/32, got {value}"
                )
            );
        }
    }
}
