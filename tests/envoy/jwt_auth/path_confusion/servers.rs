//! Models of how servers decode a path, each as a sequence of steps.

/// A step in the decoding of a path.
type Step = fn(Vec<u8>) -> Vec<u8>;

/// Servers and their steps. Where a path is decoded twice, by a proxy and a server or again by a
/// framework, the sequences are concatenated.
const SERVERS: [(&str, &[Step]); 17] = [
    ("a server that decodes nothing", &[resolve]),
    ("Node", &[decode]),
    ("Node, by URL", &[backslashes_to_slashes, resolve, decode]),
    ("a file server", &[decode, resolve]),
    ("nginx", &[decode, merge_slashes, resolve]),
    (
        "a proxy and a file server",
        &[decode, merge_slashes, resolve, decode, merge_slashes, resolve],
    ),
    ("a router that decodes last", &[merge_slashes, resolve, decode, decode, resolve]),
    ("Tomcat", &[cut_parameters, decode, backslashes_to_slashes, merge_slashes, resolve]),
    (
        "a servlet that decodes again",
        &[cut_parameters, decode, merge_slashes, resolve, decode, resolve],
    ),
    ("Java, parameters removed last", &[decode, cut_parameters, merge_slashes, resolve]),
    (
        "nginx and Tomcat",
        &[
            decode,
            merge_slashes,
            resolve,
            cut_parameters,
            decode,
            backslashes_to_slashes,
            merge_slashes,
            resolve,
        ],
    ),
    ("IIS", &[decode, backslashes_to_slashes, trim_segments, merge_slashes, resolve]),
    (
        "IIS, decoded again",
        &[decode, decode, backslashes_to_slashes, trim_segments, merge_slashes, resolve],
    ),
    (
        "a decoder of overlong UTF-8",
        &[decode, decode_overlong, backslashes_to_slashes, merge_slashes, resolve],
    ),
    (
        "the same, decoded again",
        &[decode, decode, decode_overlong, backslashes_to_slashes, merge_slashes, resolve],
    ),
    ("a C string", &[decode, end_at_nul, merge_slashes, resolve]),
    ("a framework that trims", &[decode, trim, merge_slashes, resolve]),
];

/// Returns the first server that decodes the target to a path for which `is_closed` returns `true`,
/// with that path.
pub(super) fn decodes_to(
    target: &[u8],
    is_protected: impl Fn(&[u8]) -> bool,
) -> Option<(&'static str, Vec<u8>)> {
    let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
    let read = |steps: &[Step]| steps.iter().fold(path.to_vec(), |path, step| step(path));
    let all = SERVERS.iter().map(|(name, steps)| (*name, read(steps)));
    [("a server that uses the raw path", path.to_vec())]
        .into_iter()
        .chain(all)
        .find(|(_, path)| is_protected(path))
}

/// Decodes percent-encoding once.
fn decode(path: Vec<u8>) -> Vec<u8> {
    let mut rest = path.as_slice();
    let mut decoded = Vec::new();
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *byte == b'%');
        let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let escape = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(escape.unwrap_or(*byte));
        rest = if escape.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    decoded
}

/// Decodes slash, dot and backslash from two-byte overlong UTF-8.
fn decode_overlong(path: Vec<u8>) -> Vec<u8> {
    let mut short = Vec::new();
    let mut rest = path.as_slice();
    loop {
        let (byte, after) = match rest {
            [0xC0, 0xAF, after @ ..] => (b'/', after),
            [0xC0, 0xAE, after @ ..] => (b'.', after),
            [0xC1, 0x9C, after @ ..] => (b'\\', after),
            [byte, after @ ..] => (*byte, after),
            [] => return short,
        };
        short.push(byte);
        rest = after;
    }
}

/// Turns backslashes into slashes.
fn backslashes_to_slashes(path: Vec<u8>) -> Vec<u8> {
    path.into_iter().map(|byte| if byte == b'\\' { b'/' } else { byte }).collect()
}

/// Merges adjacent slashes.
fn merge_slashes(mut path: Vec<u8>) -> Vec<u8> {
    path.dedup_by(|next, byte| *next == b'/' && *byte == b'/');
    path
}

/// Removes path parameters, which start with a semicolon.
fn cut_parameters(path: Vec<u8>) -> Vec<u8> {
    each_segment(&path, |segment| segment.split(|byte| *byte == b';').next().unwrap_or_default())
}

/// Trims trailing whitespace, and trailing dots as Windows does.
fn trim_segments(path: Vec<u8>) -> Vec<u8> {
    each_segment(&path, |segment| {
        let trimmed = segment.trim_ascii_end();
        let name = trimmed.iter().rposition(|byte| !b". \t".contains(byte));
        name.map_or(trimmed, |last| trimmed.get(..=last).unwrap_or_default())
    })
}

fn trim(path: Vec<u8>) -> Vec<u8> {
    path.trim_ascii_end().to_vec()
}

fn end_at_nul(path: Vec<u8>) -> Vec<u8> {
    path.split(|byte| *byte == 0).next().unwrap_or_default().to_vec()
}

/// Resolves dot segments. One that leads above the root is dropped.
fn resolve(path: Vec<u8>) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/').skip(1) {
        match segment {
            b"." => {}
            b".." => _ = kept.pop(),
            name => kept.push(name),
        }
    }
    [b"/", kept.join(&b"/"[..]).as_slice()].concat()
}

fn each_segment(path: &[u8], change: impl Fn(&[u8]) -> &[u8]) -> Vec<u8> {
    let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').map(change).collect();
    segments.join(&b"/"[..])
}

#[test]
fn models_the_path_decoding_of_servers() {
    let check = |path: &[u8], expected: &[u8]| {
        let found = decodes_to(path, |path| path == expected);
        assert!(found.is_some(), "{} is never {}", path.escape_ascii(), expected.escape_ascii());
    };
    check(b"/public/..;/admin", b"/admin");
    check(b"/public/..;x=1/admin", b"/admin");
    check(b"/public/..%3b/admin", b"/admin");
    check(b"/public%2f..%2fadmin", b"/admin");
    check(b"/public/%252e%252e/admin", b"/admin");
    check(b"/public%252f..%252fadmin", b"/admin");
    check(b"/public\\..\\admin", b"/admin");
    check(b"/public%5c..%5cadmin", b"/admin");
    check(b"/public/%c0%ae%c0%ae%c0%afadmin", b"/admin");
    check(b"/public/.. /admin", b"/admin");
    check(b"//admin", b"/admin");
    check(b"/;/admin", b"/admin");
    check(b"/%61dmin", b"/admin");
    check(b"/admin%00.css", b"/admin");
    check(b"/admin%20", b"/admin");
    check(b"/admin%09?x", b"/admin");
}
