//! Servers' ways to map a path to a file or a handler.

/// Returns the readings of a path by common servers.
#[must_use]
pub fn paths(path: &[u8]) -> Vec<Vec<u8>> {
    let (once, twice) = (decoded(path), decoded(&decoded(path)));
    vec![
        path.to_vec(),
        resolved(path),
        // Decode, then resolve: most file servers.
        resolved(&once),
        resolved(&twice),
        // Cut parameters, decode, resolve: servlet containers.
        resolved(&decoded(&without_parameters(path))),
        resolved(&without_parameters(&once)),
        // Merge before resolving: proxies.
        resolved(&merged(path)),
        resolved(&merged(&once)),
        merged(&resolved(&once)),
        // Backslashes separate segments.
        resolved(&with_slashes(path)),
        resolved(&with_slashes(&once)),
        // Text ends at a NUL.
        once.split(|byte| *byte == 0).next().unwrap_or_default().to_vec(),
    ]
}

fn decoded(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let digits = path.get(at + 1..at + 3).and_then(|digits| str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|_| path[at] == b'%' && path[at + 1] != b'+') {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(path[at]);
                at += 1;
            }
        }
    }
    out
}

fn without_parameters(path: &[u8]) -> Vec<u8> {
    let cut = |segment: &[u8]| segment.split(|byte| *byte == b';').next().unwrap_or(&[]).to_vec();
    path.split(|byte| *byte == b'/').map(cut).collect::<Vec<_>>().join(&b'/')
}

fn with_slashes(path: &[u8]) -> Vec<u8> {
    path.iter().map(|byte| if *byte == b'\\' { b'/' } else { *byte }).collect()
}

fn merged(path: &[u8]) -> Vec<u8> {
    let mut path = path.to_vec();
    path.dedup_by(|a, b| *a == b'/' && *b == b'/');
    path
}

fn resolved(path: &[u8]) -> Vec<u8> {
    if !path.starts_with(b"/") {
        return path.to_vec();
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    for segment in path.split(|byte| *byte == b'/').skip(1) {
        match segment {
            b"." => {}
            b".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    [b"/", kept.join(&b'/').as_slice()].concat()
}
