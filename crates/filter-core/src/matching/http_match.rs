//! The configuration of a match.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::condition;
use crate::{
    ClaimPath, HeaderName, IpRange, PathTemplate, StringMatch, config::misplaced,
    config::unique_keys::unique_keys, matching::string_match::ValueMatch, schema,
};

/// Conditions on a request, all of which must be true. An empty object matches every request.
///
/// The fields `name` to `ignoreUriCase` are those of `HTTPMatchRequest` in a VirtualService, with
/// the same meaning; the others are extensions. Of a claim that is a list, one matching element is
/// enough. Of a repeated header, parameter or cookie, one matching value is enough, except in
/// jwt-auth, `trustInbound` and `explain`, where all values must agree.
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
    {"uri": {"prefix": "/api/"}, "headers": {"x-user-type": {"exact": "premium"}}},
    {"not": {"method": {"in": ["GET", "HEAD"]}}},
]))]
pub struct HttpMatch {
    /// Name for documentation; has no effect.
    pub name: Option<String>,
    /// Condition on the path, without query and fragment.
    pub uri: Option<StringMatch>,
    /// Condition on the scheme, `http` or `https`.
    pub scheme: Option<StringMatch>,
    /// Condition on the method.
    pub method: Option<StringMatch>,
    /// Condition on the authority (`Host`) as sent by the client, with the port if there is one.
    pub authority: Option<StringMatch>,
    /// Conditions on headers, by name; `{}` matches any value.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<HeaderName, ValueMatch>")]
    pub headers: BTreeMap<HeaderName, StringMatch>,
    /// Headers that must not match the condition, by name; `{}` requires that the header is absent.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<HeaderName, ValueMatch>")]
    pub without_headers: BTreeMap<HeaderName, StringMatch>,
    /// Conditions on query parameters, percent-decoded once, by name; `{}` matches any value.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<String, ValueMatch>")]
    pub query_params: BTreeMap<String, StringMatch>,
    /// Ignores the case of ASCII letters in `uri`, except in a regular expression. Default:
    /// `false`.
    pub ignore_uri_case: bool,
    /// Conditions on cookies, by name; `{}` matches any value.
    #[serde(deserialize_with = "values")]
    #[schemars(with = "BTreeMap<String, ValueMatch>")]
    pub cookies: BTreeMap<String, StringMatch>,
    /// Template for the path, without query and fragment.
    pub path_template: Option<PathTemplate>,
    /// Conditions on the client.
    pub source: Option<SourceMatch>,
    /// Conditions on claims of the verified token, by claim path; numbers and booleans are compared
    /// as their JSON text.
    #[serde(deserialize_with = "unique_keys")]
    pub claims: BTreeMap<ClaimPath, StringMatch>,
    /// Conditions on Envoy attributes with text values, by name (`xds.route_name`).
    pub attributes: BTreeMap<String, StringMatch>,
    /// At least one entry must match.
    pub any: Option<Vec<HttpMatch>>,
    /// All entries must match.
    pub all: Option<Vec<HttpMatch>>,
    /// Must not match.
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

/// Conditions on the client of a request, all of which must be true.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(extend("examples" = [
    {"ip": ["10.0.0.0/8", "2001:db8::/32"]},
    {"principal": {"prefix": "spiffe://cluster.local/ns/shop/"}},
]))]
pub struct SourceMatch {
    /// Address ranges; one of them must contain the client's address. A single range needs no list.
    #[serde(deserialize_with = "one_or_more")]
    #[schemars(schema_with = "schema::one_or_many::<IpRange>")]
    pub ip: Option<Vec<IpRange>>,
    /// Condition on the identity in the client's certificate (`spiffe://…`).
    pub principal: Option<StringMatch>,
}

impl HttpMatch {
    /// Returns `true` if the entry matches every request.
    #[must_use]
    pub fn is_unconditional(&self) -> bool {
        condition::conditions(self).is_empty()
    }

    /// Returns `true` if the entry or a nested one reads claims.
    #[must_use]
    pub fn reads_claims(&self) -> bool {
        !self.claims.is_empty() || self.nested().any(Self::reads_claims)
    }

    /// Returns the directly nested entries.
    pub(super) fn nested(&self) -> impl Iterator<Item = &Self> {
        let lists = self.any.iter().chain(&self.all).flatten();
        lists.chain(self.not.as_deref())
    }
}

/// Deserializes conditions by name, where `{}` matches any value.
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
