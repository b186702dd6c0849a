//! A match as it is written.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::condition;
use crate::{
    ClaimPath, HeaderName, IpRange, PathTemplate, StringMatch, config::misplaced,
    config::unique_keys::unique_keys, matching::string_match::ValueMatch, schema,
};

/// One entry of a `match` list: every field that is there must hold. Empty, it always holds.
///
/// The fields `name` to `ignoreUriCase` are those of a VirtualService's `HTTPMatchRequest` and mean
/// the same; the others are added. A value that occurs several times (a header, parameter, cookie,
/// or a claim that is a list) fulfils a condition if any of its values does.
///
/// ```
/// use filter_core::HttpMatch;
///
/// let entry: HttpMatch = serde_json::from_str(
///     r#"{"uri": {"prefix": "/api/"}, "headers": {"X-User-Type": {"exact": "premium"}}}"#,
/// )?;
/// assert!(!entry.is_unconditional());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HttpMatch {
    /// A name for people; it changes nothing.
    pub name: Option<String>,
    /// The path without query and fragment.
    pub uri: Option<StringMatch>,
    /// The scheme, `http` or `https`.
    pub scheme: Option<StringMatch>,
    /// The method.
    pub method: Option<StringMatch>,
    /// The host as the client asked for it, with a port if it gave one.
    pub authority: Option<StringMatch>,
    /// Headers; `{}` asks for any value.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<HeaderName, ValueMatch>")]
    pub headers: BTreeMap<HeaderName, StringMatch>,
    /// Headers of which no value may fulfil the condition; `{}` asks for absence.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<HeaderName, ValueMatch>")]
    pub without_headers: BTreeMap<HeaderName, StringMatch>,
    /// Query parameters, percent-decoded once; `{}` asks for any value.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<String, ValueMatch>")]
    pub query_params: BTreeMap<String, StringMatch>,
    /// Whether `uri` ignores case, unless it is a regular expression.
    pub ignore_uri_case: bool,
    /// Cookies; `{}` asks for any value.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<String, ValueMatch>")]
    pub cookies: BTreeMap<String, StringMatch>,
    /// The path, without query and fragment.
    pub path_template: Option<PathTemplate>,
    /// Who sends the request.
    pub source: Option<SourceMatch>,
    /// Claims of the verified token; numbers and booleans match by their JSON text.
    #[serde(deserialize_with = "unique_keys")]
    pub claims: BTreeMap<ClaimPath, StringMatch>,
    /// Attributes of the proxy, by their dotted names (`xds.route_name`).
    pub attributes: BTreeMap<String, StringMatch>,
    /// At least one of these must hold.
    pub any: Option<Vec<HttpMatch>>,
    /// All of these must hold.
    pub all: Option<Vec<HttpMatch>>,
    /// This must not hold.
    pub not: Option<Box<HttpMatch>>,

    #[serde(deserialize_with = "misplaced::port")]
    port: (),
    #[serde(deserialize_with = "misplaced::source_workload")]
    source_labels: (),
    #[serde(deserialize_with = "misplaced::source_workload")]
    source_namespace: (),
    #[serde(deserialize_with = "misplaced::gateways")]
    gateways: (),
    #[serde(deserialize_with = "misplaced::stat_prefix")]
    stat_prefix: (),
}

/// Who sends a request, as the proxy knows it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SourceMatch {
    /// Ranges of addresses, of which one must hold the client's; one may stand without a list.
    #[serde(deserialize_with = "one_or_more")]
    #[schemars(schema_with = "schema::one_or_many::<IpRange>")]
    pub ip: Option<Vec<IpRange>>,
    /// The identity of the client's certificate (`spiffe://…`).
    pub principal: Option<StringMatch>,
}

impl HttpMatch {
    /// Returns `true` if the entry holds for every request.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        condition::conditions(self).is_empty()
    }

    /// Returns `true` if the entry, or one inside it, looks at claims.
    #[must_use]
    pub fn reads_claims(&self) -> bool {
        !self.claims.is_empty() || self.nested().any(Self::reads_claims)
    }

    /// Returns the entries inside this one.
    pub(super) fn nested(&self) -> impl Iterator<Item = &Self> {
        let lists = self.any.iter().chain(&self.all).flatten();
        lists.chain(self.not.as_deref())
    }
}

/// Reads conditions of which `{}` asks for any value.
fn values<'de, D, K>(deserializer: D) -> Result<BTreeMap<K, StringMatch>, D::Error>
where
    D: Deserializer<'de>,
    K: Deserialize<'de> + Ord + fmt::Display,
{
    let values: BTreeMap<K, ValueMatch> = unique_keys(deserializer)?;
    Ok(values.into_iter().map(|(name, ValueMatch(condition))| (name, condition)).collect())
}

fn one_or_more<'de, D>(deserializer: D) -> Result<Option<Vec<IpRange>>, D::Error>
where
    D: Deserializer<'de>,
{
    struct OneOrMore;

    impl<'de> serde::de::Visitor<'de> for OneOrMore {
        type Value = Vec<IpRange>;

        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("an address range such as 10.0.0.0/8, or a list of them")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<IpRange>, E> {
            let range = IpRange::deserialize(serde::de::value::StrDeserializer::new(text))?;
            Ok(vec![range])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut list: A,
        ) -> Result<Vec<IpRange>, A::Error> {
            let mut ranges = Vec::new();
            while let Some(range) = list.next_element()? {
                ranges.push(range);
            }
            Ok(ranges)
        }
    }

    deserializer.deserialize_any(OneOrMore).map(Some)
}
