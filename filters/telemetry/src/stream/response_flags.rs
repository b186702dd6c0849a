//! Envoy's response flags.

/// Envoy's short names in the order of their bits (`CoreResponseFlag`).
const NAMES: [&str; 30] = [
    "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC",
    "URX", "SI", "IH", "DPE", "UMSDR", "RFCF", "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR",
    "UDO",
];

/// Returns the names of the set flags, joined by commas.
///
/// Unknown flags are omitted.
///
/// ```
/// assert_eq!(telemetry::response_flags(1 << 5 | 1 << 15), "UF,URX");
/// ```
#[must_use]
pub fn response_flags(flags: u64) -> String {
    let is_set = |bit: &(u32, &str)| flags.checked_shr(bit.0).unwrap_or_default() & 1 == 1;
    let set = (0..).zip(NAMES).filter(is_set).map(|(_, name)| name);
    set.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn returns_the_names_of_set_flags() {
        for (flags, names) in [
            (0, ""),
            (0x100, "NR"),
            (0x4000, "DC"),
            (0x2000_0000, "UDO"),
            (0x8000_0020, "UF"),
            (1 << 63, ""),
        ] {
            assert_eq!(response_flags(flags), names, "{flags:x}");
        }
    }
}
