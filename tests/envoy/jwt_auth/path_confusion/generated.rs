//! Random paths of pieces that servers decode differently.

use std::env;

use filter_core::Generator;

/// Environment variable that replaces the seed.
const SEED: &str = "WEIR_SEED";

const HEADS: [&[u8]; 8] =
    [b"/public", b"/public/", b"/public", b"/public/a", b"/", b"//public", b"/admin", b"/a/"];

const PIECES: [&[u8]; 47] = [
    b"/",
    b"/",
    b"/",
    b"/",
    b"//",
    b"\\",
    b"%2f",
    b"%5c",
    b"%252f",
    b"%255c",
    b"%c0%af",
    b"%c1%9c",
    b"..",
    b"..",
    b"..",
    b".",
    b"%2e",
    b"%2e%2e",
    b".%2e",
    b"%252e%252e",
    b"%c0%ae%c0%ae",
    b"..;",
    b"..;x=1",
    b".;",
    b";x=1",
    b";",
    b"%3b",
    b"..%3b",
    b"%00",
    b"%20",
    b"%09",
    b"%0a",
    b"\xff",
    b"\xc0\xaf",
    b"%ff",
    b"?",
    b"%3f",
    b"%23",
    b"%25",
    b"%",
    b"admin",
    b"%61dmin",
    b"public",
    b"publi%63",
    b"a",
    b"a/..",
    b"/../",
];

/// Generates paths from the seed, which is printed.
pub(super) fn paths(count: usize) -> Vec<Vec<u8>> {
    let seed = env::var(SEED).ok().and_then(|seed| seed.parse().ok()).unwrap_or(20);
    eprintln!("{SEED}={seed}");
    let mut generator = Generator::new(seed);
    (0..count).map(|_| path(&mut generator)).collect()
}

fn path(generator: &mut Generator) -> Vec<u8> {
    let mut path = pick(generator, &HEADS).to_vec();
    for _ in 0..=below(generator, 6) {
        path.extend_from_slice(pick(generator, &PIECES));
    }
    // The case of hexadecimal digits in an escape is random.
    let mut in_escape = 0_usize;
    for byte in &mut path {
        let flip = in_escape > 0 && generator.bits().is_multiple_of(2);
        in_escape = if *byte == b'%' { 2 } else { in_escape.saturating_sub(1) };
        if flip {
            byte.make_ascii_uppercase();
        }
    }
    path
}

fn pick<'a>(generator: &mut Generator, from: &[&'a [u8]]) -> &'a [u8] {
    let index = below(generator, from.len());
    from.get(index).copied().unwrap_or_default()
}

fn below(generator: &mut Generator, limit: usize) -> usize {
    let bits = generator.bits() >> 33;
    usize::try_from(bits).unwrap_or(0).checked_rem(limit).unwrap_or(0)
}
