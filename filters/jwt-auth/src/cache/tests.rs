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

fn good() -> Proof {
    Proof::Good(Rc::default())
}

fn remembered(proof: Proof) -> Remembered {
    let compact = testing::token(Algorithm::Hs256, &testing::claims());
    let token = Rc::new(Token::parse(compact.as_bytes(), crate::token::Padding::Refused).unwrap());
    Remembered { token, provider: 0, generation: 0, proof }
}

fn put(cache: &mut TokenCache, name: &str, proof: Proof) -> usize {
    cache.remember(name.as_bytes(), remembered(proof), NEVER, START).len()
}

fn has(cache: &mut TokenCache, name: &str, after: u64) -> bool {
    cache.find(name.as_bytes(), START + Duration::from_secs(after)).is_some()
}

#[test]
fn the_least_recently_used_goes_first() {
    let mut cache = cache(2);
    assert_eq!([put(&mut cache, "a", good()), put(&mut cache, "b", good())], [0, 0]);
    assert!(has(&mut cache, "a", 0));
    assert_eq!(put(&mut cache, "c", good()), 1);
    let found = ["a", "b", "c"].map(|name| has(&mut cache, name, 0));
    assert_eq!(found, [true, false, true]);
}

#[test]
fn an_entry_ends_with_its_time() {
    let mut cache = cache(8);
    put(&mut cache, "good", good());
    put(&mut cache, "bad", Proof::Bad);
    assert!(has(&mut cache, "good", 299) && has(&mut cache, "bad", 4));
    assert!(!has(&mut cache, "good", 300) && !has(&mut cache, "bad", 5));
    let expires = START + Duration::from_secs(10);
    cache.remember(b"short", remembered(good()), expires, START);
    assert!(has(&mut cache, "short", 9) && !has(&mut cache, "short", 10));
}

fn put_large(cache: &mut TokenCache, number: u32, bytes: usize, proof: Proof) {
    let compact = [&number.to_be_bytes()[..], &vec![b'x'; bytes]].concat();
    cache.remember(&compact, remembered(proof), NEVER, START);
}

#[test]
fn bad_tokens_displace_only_bad_ones() {
    let mut cache = cache(8);
    for number in 0..8 {
        assert_eq!(put(&mut cache, &format!("good {number}"), good()), 0);
    }
    let evicted = ["a", "b", "c"].map(|name| put(&mut cache, name, Proof::Bad));
    assert_eq!(evicted, [0, 0, 1]);
    assert_eq!(["a", "b", "c"].map(|name| has(&mut cache, name, 0)), [false, true, true]);
    assert!((0..8).all(|number| has(&mut cache, &format!("good {number}"), 0)));
}

#[test]
fn large_bad_tokens_leave_the_good_ones_alone() {
    let mut cache = cache(1024);
    for number in 0..200 {
        put(&mut cache, &format!("good {number}"), good());
    }
    for number in 0..1000 {
        put_large(&mut cache, number, 15_000, Proof::Bad);
    }
    assert!(cache.bad.sizes().2 <= MAX_BAD_BYTES);
    assert!((0..200).all(|number| has(&mut cache, &format!("good {number}"), 0)));
}

#[test]
fn expired_bad_tokens_make_room() {
    let mut cache = cache(4);
    put(&mut cache, "old", Proof::Bad);
    let later = START + Duration::from_secs(5);
    let evicted = cache.remember(b"new", remembered(Proof::Bad), NEVER, later);
    assert!(evicted.is_empty(), "an expired entry does not count as evicted");
    assert!(has(&mut cache, "new", 5) && !has(&mut cache, "old", 0));
}

#[test]
fn a_token_is_remembered_once() {
    let mut cache = cache(8);
    for proof in [good(), Proof::Bad, good(), Proof::Bad] {
        put(&mut cache, "a", proof);
        assert_eq!(cache.good.sizes().0 + cache.bad.sizes().0, 1);
    }
    let found = cache.find(b"a", START).unwrap();
    assert!(matches!(found.proof, Proof::Bad));
}

#[test]
fn memory_is_bounded_whatever_the_size() {
    let mut cache = cache(65_536);
    for number in 0..400 {
        put_large(&mut cache, number, 61_440, good());
        put_large(&mut cache, number, 61_440, Proof::Bad);
        put_large(&mut cache, number + 1000, 61_440, good());
    }
    for (shelf, most) in [(&cache.good, MAX_GOOD_BYTES), (&cache.bad, MAX_BAD_BYTES)] {
        let (entries, order, bytes) = shelf.sizes();
        assert!(bytes <= most && entries == order && entries < 400, "{entries} {order} {bytes}");
    }
    put_large(&mut cache, 5000, MAX_GOOD_BYTES, good());
    assert!(cache.good.sizes().0 > 0, "an entry larger than the limit is not kept");
}

#[test]
fn size_zero_remembers_nothing() {
    let mut cache = cache(0);
    put(&mut cache, "a", good());
    assert!(!has(&mut cache, "a", 0));
}
