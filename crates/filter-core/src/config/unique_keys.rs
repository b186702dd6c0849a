//! Objects with unique keys after parsing.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

/// Deserializes an object; fails if two names are equal as `K` (`X-A` and `x-a`).
pub(crate) fn unique_keys<'de, D, K, V>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Display,
    V: Deserialize<'de>,
{
    deserializer.deserialize_map(UniqueKeys(PhantomData))
}

struct UniqueKeys<K, V>(PhantomData<(K, V)>);

impl<'de, K, V> Visitor<'de> for UniqueKeys<K, V>
where
    K: Deserialize<'de> + Ord + fmt::Display,
    V: Deserialize<'de>,
{
    type Value = BTreeMap<K, V>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<BTreeMap<K, V>, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = object.next_entry::<K, V>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format_args!(
                    "must have unique names, got {name} twice"
                )));
            }
            members.insert(name, value);
        }
        Ok(members)
    }
}
