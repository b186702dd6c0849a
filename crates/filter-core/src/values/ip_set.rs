//! Sets of IP addresses.

use std::net::IpAddr;

use super::ip_range::{IpRange, aligned};

/// A set of address ranges, in which a search takes logarithmic time.
///
/// ```
/// use filter_core::{IpRange, IpSet};
///
/// let ranges: Vec<IpRange> = vec!["10.0.0.0/8".parse()?, "2001:db8::/32".parse()?];
/// let set: IpSet = ranges.into_iter().collect();
/// assert!(set.contains("10.1.2.3".parse().unwrap()));
/// assert!(!set.contains("192.0.2.1".parse().unwrap()));
/// # Ok::<(), filter_core::InvalidIpRange>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct IpSet {
    v4: Intervals,
    v6: Intervals,
    /// The IPv4-mapped ranges of `v6` as IPv4.
    mapped: Intervals,
}

/// Disjoint intervals in order, each with its first and its last address.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Intervals(Vec<(u128, u128)>);

impl IpSet {
    /// Returns `true` if a range of the set contains an address. An IPv4-mapped IPv6 address, or
    /// range, is an IPv4 one.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match aligned(address.to_canonical()) {
            (bits, true) => self.v4.contains(bits) || self.mapped.contains(bits),
            (bits, false) => self.v6.contains(bits),
        }
    }

    /// Returns `true` if a range of the set contains an address of its own version, as Envoy compares
    /// them.
    #[must_use]
    pub fn contains_version(&self, address: IpAddr) -> bool {
        match aligned(address) {
            (bits, true) => self.v4.contains(bits),
            (bits, false) => self.v6.contains(bits),
        }
    }

    /// Returns the number of ranges that remain after overlapping ones are merged.
    #[must_use]
    pub fn len(&self) -> usize {
        self.v4.0.len().saturating_add(self.v6.0.len())
    }

    /// Returns `true` if the set contains no address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FromIterator<IpRange> for IpSet {
    fn from_iter<I: IntoIterator<Item = IpRange>>(ranges: I) -> Self {
        let (mut v4, mut v6, mut mapped) = (Vec::new(), Vec::new(), Vec::new());
        for range in ranges {
            let list = if range.is_v4() { &mut v4 } else { &mut v6 };
            list.push(range.bounds());
            mapped.extend(range.unmapped().map(|range| range.bounds()));
        }
        Self {
            v4: Intervals::merged(v4),
            v6: Intervals::merged(v6),
            mapped: Intervals::merged(mapped),
        }
    }
}

impl Intervals {
    fn merged(mut intervals: Vec<(u128, u128)>) -> Self {
        intervals.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(intervals.len());
        for (first, last) in intervals {
            match merged.last_mut() {
                Some((_, end)) if first <= *end => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    fn contains(&self, bits: u128) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= bits);
        let found = after.checked_sub(1).and_then(|index| self.0.get(index));
        found.is_some_and(|(_, last)| bits <= *last)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn overlapping_ranges_are_merged() {
        let ranges = ["10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "::/0", "::1"];
        let set: IpSet = ranges.iter().map(|range| range.parse().unwrap()).collect();
        assert_eq!(set.len(), 2);
        for (address, expected) in
            [("10.255.255.255", true), ("11.0.0.0", false), ("9.255.255.255", false), ("::2", true)]
        {
            assert_eq!(set.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(set.contains("::ffff:10.0.0.1".parse().unwrap()));
        let set: IpSet =
            ["::ffff:10.0.0.0/104"].iter().map(|range| range.parse().unwrap()).collect();
        for (address, contains, same_version) in [
            ("10.1.2.3", true, false),
            ("::ffff:10.1.2.3", true, true),
            ("11.1.2.3", false, false),
            ("::ffff:11.1.2.3", false, false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(set.contains(address), contains, "{address}");
            assert_eq!(set.contains_version(address), same_version, "{address}");
        }
        assert!(!IpSet::default().contains("10.0.0.1".parse().unwrap()));
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn a_set_contains_what_its_ranges_contain(
            ranges in proptest::collection::vec((0u8..4, 0u8..4, 0u8..=32), 0..20),
            address in (0u8..4, 0u8..4),
        ) {
            let range = |(a, b, length): &(u8, u8, u8)| -> IpRange {
                format!("{a}.0.0.{b}/{length}").parse().unwrap()
            };
            let ranges: Vec<_> = ranges.iter().map(range).collect();
            let set: IpSet = ranges.iter().copied().collect();
            let address = IpAddr::from([address.0, 0, 0, address.1]);
            let expected = ranges.iter().any(|range| range.contains(address));
            proptest::prop_assert_eq!(set.contains(address), expected);
        }
    }
}
