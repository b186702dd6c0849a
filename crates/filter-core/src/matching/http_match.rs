//! A match as written in the configuration.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::condition;
use crate::{
    ClaimPath, HeaderName, IpRange, PathTemplate, StringMatch, config::misplaced,
    config::unique_keys::unique_keys, matching::string_match::ValueMatch, schema,
};

/// Conditions on a request, all of which must hold. An empty entry matches every request.
///
/// The fields `name` to `ignoreUriCase` are those of a VirtualService's `HTTPMatchRequest`; the others
/// are additions. A repeated header, parameter or cookie, or a claim that is a list, matches if any
/// of its values does.
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
#[schemars(extend("examples" = [
    {"uri": {"prefix": "/api/"}, "method": {"exact": "GET"}},
    {"headers": {"x-user-type": {"exact": "premium"}}},
    {"not": {"source": {"ip": "10.0.0.0/8"}}}
]))]
pub struct HttpMatch {
    /// Name for documentation; has no effect.
    pub name: Option<String>,
    /// Path without query and fragment.
    pub uri: Option<StringMatch>,
    /// Scheme: `http` or `https`.
    pub scheme: Option<StringMatch>,
    /// Method, such as `GET`.
    pub method: Option<StringMatch>,
    /// Host as sent by the client, including the port if it sent one.
    pub authority: Option<StringMatch>,
    /// Headers by name; `{}` matches any value.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<HeaderName, ValueMatch>")]
    pub headers: BTreeMap<HeaderName, StringMatch>,
    /// Headers that must not match; `{}` requires the header to be absent.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<HeaderName, ValueMatch>")]
    pub without_headers: BTreeMap<HeaderName, StringMatch>,
    /// Query parameters by name, percent-decoded once; `{}` matches any value.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<String, ValueMatch>")]
    pub query_params: BTreeMap<String, StringMatch>,
    /// Compares `uri` without case, unless it is a regular expression. Default: `false`.
    pub ignore_uri_case: bool,
    /// Cookies by name; `{}` matches any value.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<String, ValueMatch>")]
    pub cookies: BTreeMap<String, StringMatch>,
    /// Template of the path without query and fragment.
    pub path_template: Option<PathTemplate>,
    /// Sender of the request.
    pub source: Option<SourceMatch>,
    /// Claims of the verified token by path; numbers and booleans are compared as JSON text.
    #[serde(deserialize_with = "unique_keys")]
    pub claims: BTreeMap<ClaimPath, StringMatch>,
    /// Attributes of the proxy by dotted name, such as `xds.route_name`.
    pub attributes: BTreeMap<String, StringMatch>,
    /// Entries of which at least one must match.
    pub any: Option<Vec<HttpMatch>>,
    /// Entries that must all match.
    pub all: Option<Vec<HttpMatch>>,
    /// Entry that must not match.
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

/// The sender of a request, as identified by the proxy.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SourceMatch {
    /// Address ranges (CIDR), one of which must contain the client's address; a single range needs no
    /// list.
    #[serde(deserialize_with = "one_or_more")]
    #[schemars(schema_with = "schema::one_or_many::<IpRange>")]
    pub ip: Option<Vec<IpRange>>,
    /// Identity in the client's certificate (`spiffe://…`).
    pub principal: Option<StringMatch>,
}

impl HttpMatch {
    /// Returns `true` if the entry holds for every request.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        condition::conditions(self).is_empty()
    }

    /// Returns `true` if the entry, or one inside it, tests claims.
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

/// Parses conditions in which `{}` matches any value.
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
