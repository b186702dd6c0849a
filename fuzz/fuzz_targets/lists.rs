//! For any document of a list server, a list is bounded, and an error shows nothing of it.

#![no_main]

use std::cell::LazyCell;

use access_control::Policies;
use filter_core::remote::DocumentSpec;
use fuzz::{legal, policies};
use libfuzzer_sys::fuzz_target;

/// Maximum length of an error.
const MAX_ERROR: usize = 128;
/// Maximum number of entries.
const MAX_ENTRIES: usize = 100_000;

thread_local! {
    static POLICIES: LazyCell<Policies> =
        LazyCell::new(|| policies::access(policies::LISTS).unwrap());
}

fuzz_target!(|bytes: &[u8]| {
    POLICIES.with(|policies| {
        for (index, list) in policies.lists().enumerate() {
            match list.parse(bytes, &()) {
                Ok(parsed) => {
                    assert!(parsed.content.entries() <= MAX_ENTRIES);
                    policies.set_list(index, Some(&parsed.content));
                }
                Err(invalid) => {
                    legal::line(&invalid.text);
                    assert!(invalid.text.len() <= MAX_ERROR && invalid.text.is_ascii());
                    assert!(invalid.code >= 4, "a code of another error");
                }
            }
        }
    });
});
