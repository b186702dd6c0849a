#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

/// Returns a typical key: a number, an identifier or an address.
fn key(kind: usize, number: usize) -> String {
    let mixed = sticky_hash("keys", &number.to_le_bytes(), "");
    match kind {
        0 => number.to_string(),
        1 => format!("{mixed:016x}-4a5b-8c7d-{number:012x}"),
        2 => format!("user{number}@example.com"),
        _ => format!("10.{}.{}.{}", number >> 16, (number >> 8) & 255, number & 255),
    }
}

/// Returns the deviation of counts from their expectation by the weights, in standard deviations
/// (chi-squared test with the Wilson-Hilferty transformation).
fn deviation(counts: &[u32], weights: &[u32]) -> f64 {
    let (total, sum): (u32, u32) = (counts.iter().sum(), weights.iter().sum());
    let shares = weights.iter().map(|weight| f64::from(*weight) / f64::from(sum));
    let expected = shares.map(|share| share * f64::from(total));
    let chi: f64 =
        counts.iter().zip(expected).map(|(count, e)| (f64::from(*count) - e).powi(2) / e).sum();
    let free = 2.0 / (9.0 * (counts.len() as f64 - 1.0));
    ((chi / (counts.len() as f64 - 1.0)).cbrt() - (1.0 - free)) / free.sqrt()
}

/// 99.9th percentile of the standard normal distribution.
const P_THOUSANDTH: f64 = 3.09;

#[test]
fn returns_the_documented_hashes() {
    for (salt, key, label, hash) in [
        ("checkout", "alice", "canary", 0x3218_e7fb_ebbc_6750),
        ("checkout", "alice", "stable", 0xde5b_cebb_835a_9d44),
        ("ratings-slow", "bob", "delay", 0x06ea_96fc_0812_4a21),
    ] {
        assert_eq!(sticky_hash(salt, key.as_bytes(), label), hash, "{salt} {key} {label}");
    }
    assert_eq!(sticky_draw(0x06ea_96fc_0812_4a21), 27_017);
}

/// Returns the fields of test vectors that Python's `xxhash` 4.1.0 (C library 0.8.4) generated.
fn vectors(file: &'static str) -> impl Iterator<Item = [&'static str; 4]> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('|').collect::<Vec<_>>().try_into().unwrap())
}

#[test]
fn agrees_with_another_implementation_on_hashes() {
    let mut count = 0;
    for [salt, key, label, hash] in vectors(include_str!("vectors/hashes.txt")) {
        let bytes = key.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        let key: Vec<u8> = bytes.map(byte).collect();
        let expected = u64::from_str_radix(hash, 16).unwrap();
        assert_eq!(sticky_hash(salt, &key, label), expected, "{salt} {key:?} {label}");
        count += 1;
    }
    assert_eq!(count, 31);
}

#[test]
fn agrees_with_another_implementation_on_choices() {
    for [salt, variants, counts, digest] in vectors(include_str!("vectors/choices.txt")) {
        let variants = variants.split(',').map(|variant| variant.split_once(':').unwrap());
        let variants: Vec<(&str, u32)> =
            variants.map(|(tag, w)| (tag, w.parse().unwrap())).collect();
        let (mut found, mut tags) = (vec![0; variants.len()], String::new());
        for user in 0..50_000 {
            let key = format!("user-{user}");
            let chosen = rendezvous(salt, key.as_bytes(), variants.iter().copied()).unwrap();
            found[chosen] += 1;
            tags.extend([variants[chosen].0, "\n"]);
        }
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.join(","), counts, "{salt}");
        assert_eq!(format!("{:016x}", XxHash64::oneshot(0, tags.as_bytes())), digest, "{salt}");
    }
}

#[test]
fn hashes_the_concatenated_text() {
    for size in [0, 1, 30, 31, 32, 33, 200] {
        let key = "k".repeat(size);
        let whole = format!("salt\x1f{key}\x1flabel");
        let expected = XxHash64::oneshot(0, whole.as_bytes());
        assert_eq!(sticky_hash("salt", key.as_bytes(), "label"), expected);
    }
}

#[test]
fn draws_cover_exactly_their_range() {
    assert_eq!((sticky_draw(0), sticky_draw(u64::MAX)), (0, 999_999));
    assert_eq!((scale(u64::MAX, 0), scale(u64::MAX, 1)), (0, 0));
    assert_eq!(scale(u64::MAX, u64::MAX), u64::MAX - 1);
}

#[test]
fn chooses_no_variant_without_weight() {
    assert_eq!(rendezvous("s", b"k", []), None);
    assert_eq!(rendezvous("s", b"k", [("a", 0), ("b", 0)]), None);
    for number in 0..1000 {
        assert_eq!(rendezvous("s", key(0, number).as_bytes(), [("a", 0), ("b", 1)]), Some(1));
    }
}

#[test]
fn shares_follow_the_weights() {
    let labels = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];
    let cases: [&[u32]; 5] = [
        &[90, 10],
        &[9_999, 1],
        &[1, 1, 1],
        &[50, 30, 15, 5],
        &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    ];
    for kind in 0..4 {
        // Sixteen variants only with numbers as keys, because they take long.
        for weights in cases.into_iter().take(if kind == 0 { 5 } else { 4 }) {
            let mut counts = vec![0; weights.len()];
            let variants = || labels.into_iter().zip(weights.iter().copied());
            for number in 0..100_000 {
                counts[rendezvous("shares", key(kind, number).as_bytes(), variants()).unwrap()] +=
                    1;
            }
            let deviation = deviation(&counts, weights);
            assert!(deviation < P_THOUSANDTH, "kind {kind}: {weights:?} gave {counts:?}");
        }
    }
}

#[test]
fn salts_are_independent() {
    let mut cells = [0; 4];
    for number in 0..100_000 {
        let key = key(0, number);
        let chosen = |salt| rendezvous(salt, key.as_bytes(), [("a", 1), ("b", 1)]).unwrap();
        cells[chosen("one") * 2 + chosen("two")] += 1;
    }
    assert!(deviation(&cells, &[1, 1, 1, 1]) < P_THOUSANDTH, "{cells:?}");
}

#[test]
fn a_growing_weight_only_gains_keys() {
    for number in 0..100_000 {
        let key = key(2, number);
        let chosen = |a, b, c| rendezvous("m", key.as_bytes(), [("a", a), ("b", b), ("c", c)]);
        let (before, after) = (chosen(10, 20, 30), chosen(11, 20, 30));
        assert!(before == after || after == Some(0), "{key}: {before:?} became {after:?}");
        let (before, after) = (chosen(10, 20, 0), chosen(10, 20, 5));
        assert!(before == after || after == Some(2), "{key}: {before:?} became {after:?}");
    }
}

#[test]
fn the_order_of_variants_does_not_matter() {
    for number in 0..10_000 {
        let key = key(1, number);
        let forward = rendezvous("o", key.as_bytes(), [("a", 3), ("b", 2), ("c", 1)]);
        let backward = rendezvous("o", key.as_bytes(), [("c", 1), ("b", 2), ("a", 3)]);
        assert_eq!(forward, backward.map(|index| 2 - index));
    }
}
