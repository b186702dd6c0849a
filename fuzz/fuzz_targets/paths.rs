//! A normalized path cannot bypass a rule, and the trie agrees with its templates.

#![no_main]

use filter_core::{
    Headers, HttpMatch, Match, Matcher, MatcherOptions, PathNormalization, PathTemplate, PathTrie,
    Request, RequestPath, cookies, percent_decode,
};
use fuzz::{message::cut, servers};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Maximum number of templates.
const TEMPLATES: usize = 64;

/// Maximum number of bytes of a target that are changed, one at a time.
const CHANGED: usize = 24;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes.windows(2).position(|part| part == b"\n\n").unwrap_or(bytes.len());
    let (templates, rest) = bytes.split_at(end);
    let (target, cookies) = cut(rest.get(2..).unwrap_or_default(), b'\n');
    let lines = templates.split(|byte| *byte == b'\n').take(TEMPLATES);
    let templates: Vec<PathTemplate> =
        lines.filter_map(|line| std::str::from_utf8(line).ok()?.parse().ok()).collect();
    for normalization in [
        PathNormalization::None,
        PathNormalization::Base,
        PathNormalization::MergeSlashes,
        PathNormalization::DecodeAndMergeSlashes,
    ] {
        let path = RequestPath::new(target, normalization);
        assert_normalized(target, &path, normalization);
        assert_found(&templates, path.path());
    }
    assert_matched(&templates, target);
    assert_guarded(target);
    assert_parameters(target);
    assert_cookies(cookies);
});

fn assert_normalized(target: &[u8], path: &RequestPath<'_>, normalization: PathNormalization) {
    let found = path.path();
    let shown = || format!("{} of {}", found.escape_ascii(), target.escape_ascii());
    assert!(found.len() <= 3 * target.len() + 1, "{}", shown());
    if normalization == PathNormalization::None || !target.starts_with(b"/") {
        assert!(target.starts_with(found), "{}", shown());
        return;
    }
    assert!(found.starts_with(b"/"), "{}", shown());
    assert!(
        !found.split(|byte| *byte == b'/').any(|part| part == b"." || part == b".."),
        "{}",
        shown()
    );
    assert!(found.iter().all(u8::is_ascii_graphic) && !found.contains(&b'\\'), "{}", shown());
    let is_merged = normalization != PathNormalization::Base;
    assert!(!is_merged || !found.windows(2).any(|pair| pair == b"//"), "{}", shown());
    if !found.contains(&b'%') {
        assert_eq!(RequestPath::new(found, normalization).path(), found, "{}", shown());
    }
}

fn assert_found(templates: &[PathTemplate], path: &[u8]) {
    let mut trie = PathTrie::default();
    templates.iter().enumerate().for_each(|(index, template)| trie.insert(template, index));
    let mut found: Vec<usize> = trie.all(path).into_iter().copied().collect();
    assert_eq!(trie.best(path), found.first());
    found.sort_unstable();
    let mut expected = Vec::new();
    for (index, template) in templates.iter().enumerate() {
        let Some(captures) = template.captures(path) else { continue };
        assert_eq!(captures.len(), template.names().count(), "{template}");
        let is_inside = |value: &[u8]| path.windows(value.len().max(1)).any(|part| part == value);
        assert!(captures.iter().all(|(_, value)| value.is_empty() || is_inside(value)));
        expected.push(index);
    }
    assert_eq!(found, expected, "{}", path.escape_ascii());
}

/// Fails unless a matcher of templates agrees with the templates.
fn assert_matched(templates: &[PathTemplate], target: &[u8]) {
    let rule = |template: &PathTemplate| -> Option<Vec<HttpMatch>> {
        serde_json::from_value(json!([{"pathTemplate": template.as_str()}])).ok()
    };
    let rules: Option<Vec<_>> = templates.iter().map(rule).collect();
    let Some(rules) = rules else { panic!("a template was refused in a match") };
    let Ok(matcher) = Matcher::compile(&rules, &MatcherOptions::new("http")) else { return };
    let headers = Headers::from_iter([(":path", target)]);
    let request = Request { headers, ..Request::default() };
    let path = RequestPath::new(target, PathNormalization::None);
    let Some(rule) = matcher.sure_match(&request) else { return };
    let first = templates.iter().position(|template| template.captures(path.path()).is_some());
    assert_eq!(first, Some(rule), "{}", target.escape_ascii());
    let wanted = templates[rule].captures(path.path()).unwrap_or_default();
    assert_eq!(matcher.captures(rule, &request).len(), wanted.len());
}

/// Fails if a rule for an open path decides a request that a server reads as another path, with any
/// change of one byte of the request.
fn assert_guarded(target: &[u8]) {
    let open = serde_json::from_value(json!([[{"uri": {"prefix": "/open"}}], []]));
    let Ok(rules): Result<Vec<Vec<HttpMatch>>, _> = open else { panic!("the rules were refused") };
    let Ok(matcher) = Matcher::compile(&rules, &MatcherOptions::guarding("rules")) else {
        panic!("the rules were refused")
    };
    let assert_one = |target: &[u8]| {
        let headers = Headers::from_iter([(":path", target)]);
        let request = Request { headers, ..Request::default() };
        if matcher.matches(&request).next() == Some(Match::Sure(0)) {
            let path = RequestPath::new(target, PathNormalization::None);
            for read in servers::paths(path.path()) {
                let shown = (target.escape_ascii(), read.escape_ascii());
                assert!(read.starts_with(b"/open"), "{} is {}", shown.0, shown.1);
            }
        }
    };
    assert_one(target);
    let mut changed = target.to_vec();
    for index in 0..target.len().min(CHANGED) {
        for byte in [b'/', b'.', b';', b'%', b'\\', 0xc0, 0xff, 0] {
            changed[index] = byte;
            assert_one(&changed);
        }
        changed[index] = target[index];
    }
}

fn assert_parameters(target: &[u8]) {
    let path = RequestPath::new(target, PathNormalization::None);
    let query = path.query().unwrap_or_default();
    let pairs: Vec<_> = path.parameters().collect();
    let expected: Vec<_> = query
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| cut(pair, b'='))
        .map(|(name, value)| (percent_decode(name), percent_decode(value)))
        .collect();
    assert_eq!(pairs, expected);
}

fn assert_cookies(lines: &[u8]) {
    let headers: Headers =
        lines.split(|byte| *byte == b'\n').map(|line| ("cookie", line)).collect();
    for (name, value) in cookies(&headers) {
        assert!(!name.contains(&b';') && !name.contains(&b'='), "{}", name.escape_ascii());
        assert!(!value.contains(&b';'), "{}", value.escape_ascii());
    }
}
