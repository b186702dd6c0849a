#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::{algorithm::Algorithm, testing};

const START: Duration = Duration::from_secs(1000);
const NEVER: Duration = Duration::MAX;

fn cache(size: usize) -> TokenCache {
    let (ttl, negative_ttl) = (Duration::from_secs(300), Duration::from_secs(5));
    TokenCache::new(Limits { size, ttl, negative_ttl })
}

fn valid() -> CachedResult {
    CachedResult::Valid(Rc::default())
}

fn cached(result: CachedResult) -> CachedToken {
    let compact = testing::token(Algorithm::Hs256, &testing::claims());
    let token = Rc::new(Token::parse(compact.as_bytes(), crate::token::Padding::Refused).unwrap());
    CachedToken { token, provider: 0, generation: 0, result }
}

fn put(cache: &mut TokenCache, name: &str, result: CachedResult) -> usize {
    cache.insert(name.as_bytes(), cached(result), NEVER, START).len()
}

fn has(cache: &mut TokenCache, name: &str, after: u64) -> bool {
    cache.find(name.as_bytes(), START + Duration::from_secs(after)).is_some()
}

#[test]
fn evicts_the_least_recently_used_token() {
    let mut cache = cache(2);
    assert_eq!([put(&mut cache, "a", valid()), put(&mut cache, "b", valid())], [0, 0]);
    assert!(has(&mut cache, "a", 0));
    assert_eq!(put(&mut cache, "c", valid()), 1);
    let found = ["a", "b", "c"].map(|name| has(&mut cache, name, 0));
    assert_eq!(found, [true, false, true]);
}

#[test]
fn entries_expire() {
    let mut cache = cache(8);
    put(&mut cache, "valid", valid());
    put(&mut cache, "invalid", CachedResult::Invalid);
    assert!(has(&mut cache, "valid", 299) && has(&mut cache, "invalid", 4));
    assert!(!has(&mut cache, "valid", 300) && !has(&mut cache, "invalid", 5));
    let expires = START + Duration::from_secs(10);
    cache.insert(b"short", cached(valid()), expires, START);
    assert!(has(&mut cache, "short", 9) && !has(&mut cache, "short", 10));
}

fn put_large(cache: &mut TokenCache, number: u32, bytes: usize, result: CachedResult) {
    let compact = [&number.to_be_bytes()[..], &vec![b'x'; bytes]].concat();
    cache.insert(&compact, cached(result), NEVER, START);
}

#[test]
fn invalid_tokens_evict_only_invalid_ones() {
    let mut cache = cache(8);
    for number in 0..8 {
        assert_eq!(put(&mut cache, &format!("valid {number}"), valid()), 0);
    }
    let evicted = ["a", "b", "c"].map(|name| put(&mut cache, name, CachedResult::Invalid));
    assert_eq!(evicted, [0, 0, 1]);
    assert_eq!(["a", "b", "c"].map(|name| has(&mut cache, name, 0)), [false, true, true]);
    assert!((0..8).all(|number| has(&mut cache, &format!("valid {number}"), 0)));
}

#[test]
fn large_invalid_tokens_evict_no_valid_ones() {
    let mut cache = cache(1024);
    for number in 0..200 {
        put(&mut cache, &format!("valid {number}"), valid());
    }
    for number in 0..1000 {
        put_large(&mut cache, number, 15_000, CachedResult::Invalid);
    }
    assert!(cache.invalid.sizes().2 <= MAX_INVALID_BYTES);
    assert!((0..200).all(|number| has(&mut cache, &format!("valid {number}"), 0)));
}

#[test]
fn expired_entries_do_not_count_as_evicted() {
    let mut cache = cache(4);
    put(&mut cache, "old", CachedResult::Invalid);
    let later = START + Duration::from_secs(5);
    let evicted = cache.insert(b"new", cached(CachedResult::Invalid), NEVER, later);
    assert!(evicted.is_empty(), "an expired entry does not count as evicted");
    assert!(has(&mut cache, "new", 5) && !has(&mut cache, "old", 0));
}

#[test]
fn keeps_one_result_per_token() {
    let mut cache = cache(8);
    for result in [valid(), CachedResult::Invalid, valid(), CachedResult::Invalid] {
        put(&mut cache, "a", result);
        assert_eq!(cache.valid.sizes().0 + cache.invalid.sizes().0, 1);
    }
    let found = cache.find(b"a", START).unwrap();
    assert!(matches!(found.result, CachedResult::Invalid));
}

#[test]
fn memory_is_bounded_for_any_size() {
    let mut cache = cache(65_536);
    for number in 0..400 {
        put_large(&mut cache, number, 61_440, valid());
        put_large(&mut cache, number, 61_440, CachedResult::Invalid);
        put_large(&mut cache, number + 1000, 61_440, valid());
    }
    for (lru, max) in [(&cache.valid, MAX_VALID_BYTES), (&cache.invalid, MAX_INVALID_BYTES)] {
        let (entries, order, bytes) = lru.sizes();
        assert!(bytes <= max && entries == order && entries < 400, "{entries} {order} {bytes}");
    }
    put_large(&mut cache, 5000, MAX_VALID_BYTES, valid());
    assert!(cache.valid.sizes().0 > 0, "an entry larger than the limit is not kept");
}

#[test]
fn size_zero_disables_the_cache() {
    let mut cache = cache(0);
    put(&mut cache, "a", valid());
    assert!(!has(&mut cache, "a", 0));
}
