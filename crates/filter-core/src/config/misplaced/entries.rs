//! Entries of `http`, possibly copied from a VirtualService.

use std::{fmt, marker::PhantomData};

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, Visitor,
    value::MapAccessDeserializer,
};

use crate::config::{did_you_mean, is_spelling_of};

/// Fields of an Istio `HTTPRoute`.
const ROUTE_FIELDS: [&str; 16] = [
    "name",
    "match",
    "route",
    "redirect",
    "directResponse",
    "delegate",
    "rewrite",
    "timeout",
    "retries",
    "fault",
    "mirror",
    "mirrors",
    "mirrorPercent",
    "mirrorPercentage",
    "corsPolicy",
    "headers",
];

/// Deserializes a list of `http` entries of type `T`. Fields of an Istio `HTTPRoute` that `T` does
/// not have are refused with a hint.
///
/// # Errors
///
/// Fails as `T` does.
///
/// ```
/// use filter_core::{misplaced, parse_config};
///
/// #[derive(Debug, serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Config {
///     #[serde(deserialize_with = "misplaced::http_entries")]
///     http: Vec<Entry>,
/// }
///
/// #[derive(Debug, serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Entry {
///     name: String,
/// }
///
/// let document = br#"{"http": [{"name": "a", "timeout": "5s"}]}"#;
/// let error = parse_config::<Config>(document).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "http[0].timeout: must not be given: it stays in the VirtualService"
/// );
/// ```
pub fn http_entries<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let entries = Vec::<RouteEntry<T>>::deserialize(deserializer)?;
    Ok(entries.into_iter().map(|RouteEntry(entry)| entry).collect())
}

/// An entry of `http`.
struct RouteEntry<T>(T);

/// Visitor of an entry.
struct EntryVisitor<T>(PhantomData<T>);

/// The fields of an entry.
struct RouteFields<M>(M);

/// The name of a field.
struct FieldName<S>(S);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for RouteEntry<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let reader = EntryVisitor(PhantomData);
        deserializer.deserialize_struct("Entry", &ROUTE_FIELDS, reader).map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for EntryVisitor<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("struct Entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(RouteFields(members)))
    }
}

impl<'de, M: MapAccess<'de>> MapAccess<'de> for RouteFields<M> {
    type Error = M::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, M::Error> {
        self.0.next_key_seed(FieldName(seed))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, M::Error> {
        self.0.next_value_seed(seed)
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for FieldName<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = self.0.deserialize(name.as_str().into_deserializer());
        known.map_err(|error: D::Error| {
            let is_known = |known: &&str| is_spelling_of(&name, known);
            let is_misspelled = did_you_mean(&error.to_string()).is_some();
            if !is_misspelled && ROUTE_FIELDS.iter().any(is_known) {
                D::Error::custom(super::ROUTE)
            } else {
                error
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use serde::Deserialize;

    use super::*;
    use crate::parse_config;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Config {
        #[serde(deserialize_with = "http_entries")]
        http: Vec<Entry>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Entry {
        name: Option<String>,
        fault: Option<u8>,
    }

    #[test]
    fn reads_the_fields_of_the_entry_type() {
        let config: Config = parse_config(br#"{"http": [{"name": "a", "fault": 1}, {}]}"#).unwrap();
        let entries: Vec<_> =
            config.http.iter().map(|entry| (entry.name.as_deref(), entry.fault)).collect();
        assert_eq!(entries, [(Some("a"), Some(1)), (None, None)]);
        assert!(parse_config::<Config>(b"{}").unwrap().http.is_empty());
    }

    #[test]
    fn refuses_other_fields_of_a_route_with_a_hint() {
        let others = ROUTE_FIELDS.iter().filter(|field| !["name", "fault"].contains(field));
        for field in others {
            let document = format!(r#"{{"http": [{{}}, {{"{field}": null}}]}}"#);
            assert_eq!(
                parse_config::<Config>(document.as_bytes()).unwrap_err().to_string(),
                format!("http[1].{field}: must not be given: it stays in the VirtualService")
            );
        }
    }

    #[test]
    fn keeps_the_messages_of_other_errors() {
        for (document, message) in [
            (r#"{"http": [{"Fault": 1}]}"#, "http[0].Fault: must be written fault"),
            (
                r#"{"http": [{"mirror_percentage": {}}]}"#,
                "http[0].mirror_percentage: must not be given: it stays in the VirtualService",
            ),
            (r#"{"http": [{"x": 1}]}"#, "http[0].x: unknown field `x`, expected `name` or `fault`"),
            (
                r#"{"http": [{"fault": "1"}]}"#,
                r#"http[0].fault: must be a whole number in range, got "1": leave out the quotes"#,
            ),
            (
                r#"{"http": [7, []]}"#,
                "http[0]: must be an object, got 7; http[1]: must be an object, got a list",
            ),
            (r#"{"http": {}}"#, "http: must be a list, got an object"),
        ] {
            let error = parse_config::<Config>(document.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), message, "{document}");
        }
    }
}
