//! Where telemetry is sent: MeshConfig's `extensionProviders`, and the short form `endpoint`.

use std::{collections::BTreeMap, fmt};

use filter_core::{
    ClusterRef, DurationWithin, HeaderName, IntegerWithin, InvalidClusterRef, Port, Shown, text,
};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny},
};
use serde_json::Value;

use super::did_you_mean;

const MINUTE_MS: u64 = 60_000;
const KIB: u64 = 1_024;
const MIB: u64 = 1_048_576;

/// One of `extensionProviders`.
///
/// Kinds that do not speak OTLP are refused by name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderConfig {
    /// What entries call it.
    pub name: ProviderName,
    /// A collector that speaks OTLP.
    #[serde(default)]
    pub opentelemetry: Option<OpenTelemetryConfig>,
    #[serde(default, deserialize_with = "zipkin", rename = "zipkin")]
    _zipkin: (),
    #[serde(default, deserialize_with = "prometheus", rename = "prometheus")]
    _prometheus: (),
    #[serde(default, deserialize_with = "file", rename = "envoyFileAccessLog")]
    _file: (),
    #[serde(default, deserialize_with = "otel_als", rename = "envoyOtelAls")]
    _otel_als: (),
    #[serde(default, deserialize_with = "other", rename = "envoyHttpAls")]
    _http_als: (),
    #[serde(default, deserialize_with = "other", rename = "envoyTcpAls")]
    _tcp_als: (),
    #[serde(default, deserialize_with = "other", rename = "skywalking")]
    _skywalking: (),
    #[serde(default, deserialize_with = "other", rename = "lightstep")]
    _lightstep: (),
    #[serde(default, deserialize_with = "other", rename = "datadog")]
    _datadog: (),
    #[serde(default, deserialize_with = "other", rename = "stackdriver")]
    _stackdriver: (),
    #[serde(default, deserialize_with = "other", rename = "opencensus")]
    _opencensus: (),
    #[serde(
        default,
        deserialize_with = "did_you_mean::authorization",
        rename = "envoyExtAuthzHttp",
        alias = "envoyExtAuthzGrpc"
    )]
    _authorization: (),
}

/// How a collector is called.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OpenTelemetryConfig {
    /// The service; a leading `<namespace>/` is cut.
    pub service: Option<String>,
    /// The service's port.
    pub port: Option<Port>,
    /// The service's subset.
    pub subset: Option<String>,
    /// The cluster, in place of service, port and subset.
    pub cluster: Option<String>,
    /// The longest value of a tag in bytes; 256 if absent.
    pub max_tag_length: Option<IntegerWithin<1, 4_096>>,
    /// Where it is there, OTLP over HTTP.
    pub http: Option<HttpConfig>,
    /// OTLP over gRPC, which is also what neither of the two means.
    pub grpc: Option<GrpcConfig>,
    /// The path that takes log records over HTTP; `/v1/logs` if absent.
    pub logs_path: Option<UrlPath>,
    /// Attributes of the resource, over those that are found.
    pub resource: BTreeMap<String, ResourceValue>,
    /// How much is kept and sent at once.
    pub queue: QueueConfig,
    #[serde(deserialize_with = "detectors")]
    pub(crate) resource_detectors: (),
    #[serde(deserialize_with = "sampler")]
    pub(crate) dynatrace_sampler: (),
}

/// OTLP over HTTP.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HttpConfig {
    /// The path that takes spans; `/v1/traces` if absent.
    pub path: Option<UrlPath>,
    /// How long one request may take; 3 seconds if absent.
    pub timeout: Option<DurationWithin<100, 30_000>>,
    /// Further headers.
    pub headers: Vec<HeaderConfig>,
}

/// OTLP over gRPC.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GrpcConfig {
    /// How long one request may take; 3 seconds if absent.
    pub timeout: Option<DurationWithin<100, 30_000>>,
    /// Further metadata.
    pub initial_metadata: Vec<HeaderConfig>,
}

/// A header of requests to a collector: a value, or the variable that holds it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderConfig {
    /// The name.
    pub name: HeaderName,
    /// The value, a secret.
    #[serde(default)]
    pub value: Option<SecretText>,
    /// The variable of the virtual machine (`vmConfig.env`) that holds the value.
    #[serde(default)]
    pub env_name: Option<String>,
}

/// How much is kept and sent at once.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct QueueConfig {
    /// The most items that wait; 4,096 if absent.
    pub max_items: Option<IntegerWithin<64, 65_536>>,
    /// The most bytes that wait; 1 MiB if absent.
    pub max_bytes: Option<IntegerWithin<{ 64 * KIB }, { 16 * MIB }>>,
    /// The most items in a request; 512 if absent.
    pub max_batch_items: Option<IntegerWithin<1, 8_192>>,
    /// The most bytes in a request, at most `maxBytes`; 256 KiB if absent.
    pub max_batch_bytes: Option<IntegerWithin<{ 16 * KIB }, MIB>>,
    /// How long an item waits for others; 1 second if absent.
    pub max_batch_delay: Option<DurationWithin<200, MINUTE_MS>>,
    /// How long a request is tried; 1 minute if absent.
    pub max_elapsed_time: Option<DurationWithin<1_000, { 10 * MINUTE_MS }>>,
}

/// What a provider is called: 1 to 64 of `A-Z a-z 0-9 . _ -`, but neither `prometheus` nor `envoy`.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "1 to 64 of A-Z a-z 0-9 . _ -",
    extend("pattern" = "^[A-Za-z0-9._-]{1,64}$", "not" = {"enum": ["prometheus", "envoy"]})
)]
pub struct ProviderName(String);

/// The path of a URL: printable ASCII that begins with a slash, at most 1,024 bytes.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("maxLength" = 1_024, "pattern" = r##"^/[!"$-~]*$"##))]
pub struct UrlPath(String);

/// The value of a resource attribute: 1 to 256 bytes.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("minLength" = 1, "maxLength" = 256))]
pub struct ResourceValue(String);

/// A secret that can be a header's value: 1 to 4,096 bytes of printable ASCII. Never shown.
#[derive(Clone, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("pattern" = "^[ -~]{1,4096}$"))]
pub struct SecretText(String);

/// The short form of a provider: `host:port`.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "String",
    title = "host:port",
    extend("pattern" = "^[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*:[0-9]+$")
)]
pub struct Endpoint {
    /// The host.
    pub host: String,
    /// The port.
    pub port: Port,
}

impl OpenTelemetryConfig {
    /// Returns the cluster that is called.
    ///
    /// # Errors
    ///
    /// Names the field that is missing, wrong or one too many.
    pub fn cluster(&self) -> Result<Option<ClusterRef>, InvalidClusterRef> {
        let (service, subset) = (self.service.as_deref(), self.subset.as_deref());
        ClusterRef::from_parts(service, self.port, subset, self.cluster.as_deref())
    }
}

impl ProviderName {
    /// The name that a provider of the short form has.
    pub(crate) fn of_endpoint() -> Self {
        Self("otel".to_owned())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl UrlPath {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ResourceValue {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SecretText {
    /// Takes a text, `None` for one that no header can hold.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        let legal = (1..=4_096).contains(&text.len()) && filter_core::is_printable(&text);
        legal.then_some(Self(text))
    }

    /// Returns the secret.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SecretText({} bytes)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for ProviderName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let name = text(deserializer, "1 to 64 of A-Z a-z 0-9 . _ -", |name| {
            (1..=64).contains(&name.len()) && name.bytes().all(plain)
        })?;
        match name.as_str() {
            "prometheus" | "envoy" => {
                Err(D::Error::custom(format_args!("must be another name: {name} is built in")))
            }
            _ => Ok(Self(name)),
        }
    }
}

impl<'de> Deserialize<'de> for UrlPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, "a path such as /v1/traces", |path| {
            path.starts_with('/')
                && path.len() <= 1_024
                && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
        })
        .map(Self)
    }
}

impl<'de> Deserialize<'de> for ResourceValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let legal = |text: &str| (1..=256).contains(&text.len());
        text(deserializer, "a text of 1 to 256 bytes", legal).map(Self)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The value is not shown: it is a secret.
        let rule = || D::Error::custom("must be 1 to 4096 bytes of printable ASCII");
        match Value::deserialize(deserializer)? {
            Value::String(text) => Self::new(text).ok_or_else(rule),
            _ => Err(rule()),
        }
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let parsed = value.as_str().and_then(endpoint);
        parsed.ok_or_else(|| {
            let rule =
                "must be host:port, such as otel-collector.monitoring.svc.cluster.local:4317";
            D::Error::custom(format_args!("{rule}, {}", Shown(&value)))
        })
    }
}

fn endpoint(text: &str) -> Option<Endpoint> {
    let (host, port) = text.rsplit_once(':')?;
    let is_number = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
    let port = is_number.then(|| port.parse().ok()).flatten().and_then(Port::new)?;
    // The host follows the rule of a service, but names no namespace.
    let is_host = !host.contains('/') && ClusterRef::of_service(host, port, "").is_ok();
    is_host.then(|| Endpoint { host: host.to_owned(), port })
}

fn refuse<'de, D: Deserializer<'de>>(deserializer: D, hint: &str) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom(format_args!("must not be given, {hint}")))
}

fn zipkin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "use opentelemetry: a collector that takes OTLP can speak Zipkin")
}

fn prometheus<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "it is built in: name prometheus in metrics[].providers, or nothing")
}

fn file<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "it is built in: name envoy in accessLogging[].providers, or nothing")
}

fn otel_als<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "use opentelemetry, which takes log records too")
}

fn other<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "use opentelemetry: only OTLP is spoken, to a collector that speaks others",
    )
}

fn detectors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "the proxy's node is read anyway: add what is missing to resource")
}

fn sampler<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "use randomSamplingPercentage or sampling of a tracing entry")
}
