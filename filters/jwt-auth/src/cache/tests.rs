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

#[test]
fn bad_tokens_take_at_most_a_quarter() {
    let mut cache = cache(8);
    for name in ["a", "b", "c"] {
        put(&mut cache, name, Proof::Bad);
    }
    let found = ["a", "b", "c"].map(|name| has(&mut cache, name, 0));
    assert_eq!(found, [true, true, false]);
}

#[test]
fn memory_is_bounded_whatever_the_size() {
    let mut cache = cache(65_536);
    let large = vec![b'x'; 61_440];
    for number in 0..400_u32 {
        let compact = [&number.to_be_bytes()[..], &large].concat();
        cache.remember(&compact, remembered(good()), NEVER, START);
    }
    assert!(cache.bytes <= MAX_BYTES);
    assert!(cache.entries.len() < 400);
    assert_eq!(cache.entries.len(), cache.order.len());
}

#[test]
fn size_zero_remembers_nothing() {
    let mut cache = cache(0);
    put(&mut cache, "a", good());
    assert!(!has(&mut cache, "a", 0));
}
