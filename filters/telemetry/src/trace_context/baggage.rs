//! The `baggage` header: <https://www.w3.org/TR/baggage/>.

use filter_core::percent_decode;

/// Maximum length that is read, in bytes.
const MAX_LEN: usize = 8_192;

/// Returns the first value of member `key`, percent-decoded; `None` if missing or not UTF-8.
///
/// `header` holds the values of all `baggage` headers, joined by commas.
///
/// ```
/// use telemetry::baggage;
///
/// assert_eq!(baggage::value(b"a=1;p=2, b=x%20y", "b").as_deref(), Some("x y"));
/// ```
#[must_use]
pub fn value(header: &[u8], key: &str) -> Option<String> {
    let header = header.get(..MAX_LEN).unwrap_or(header);
    let members = header.split(|byte| *byte == b',');
    let found = members.filter_map(pair).find(|(name, _)| *name == key.as_bytes())?;
    String::from_utf8(percent_decode(found.1).into_owned()).ok()
}

/// Splits a member into its key and value, dropping its properties.
fn pair(member: &[u8]) -> Option<(&[u8], &[u8])> {
    let pair = member.split(|byte| *byte == b';').next()?;
    let mark = pair.iter().position(|byte| *byte == b'=')?;
    let (key, value) = pair.split_at_checked(mark)?;
    Some((key.trim_ascii(), value.get(1..)?.trim_ascii()))
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn returns_the_value_without_properties() {
        for (header, found) in [
            ("user=alice", Some("alice")),
            ("a=1,user=alice", Some("alice")),
            (" user = alice ; secret ; p=1 ,b=2", Some("alice")),
            ("user=a%2Cb%20c", Some("a,b c")),
            ("user=a=b", Some("a=b")),
            ("user=", Some("")),
            ("user=1,user=2", Some("1")),
            ("user", None),
            ("User=alice", None),
            ("", None),
            ("user=%ff", None),
        ] {
            assert_eq!(value(header.as_bytes(), "user").as_deref(), found, "{header}");
        }
    }

    #[test]
    fn reads_at_most_8_kib() {
        let header = format!("{}user=alice", "a=1,".repeat(2_048));
        assert_eq!(value(header.as_bytes(), "user"), None);
    }
}
