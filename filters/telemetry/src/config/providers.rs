//! `extensionProviders`, as in Istio's MeshConfig, and its short form `endpoint`.

use std::{collections::BTreeMap, fmt};

use filter_core::{
    ClusterRef, DurationWithin, HeaderName, IntegerWithin, InvalidClusterRef, Port, Shown,
    misplaced, text,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use super::did_you_mean;

const MINUTE_MS: u64 = 60_000;
const KIB: u64 = 1_024;
const MIB: u64 = 1_048_576;

/// One entry of `extensionProviders`. Only `opentelemetry` is supported.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProviderConfig {
    /// Name by which entries of `tracing` and `accessLogging` refer to the provider.
    pub name: ProviderName,
    /// A collector that accepts OTLP. Required.
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

/// A collector that accepts OTLP. Requires `service` and `port`, or `cluster`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OpenTelemetryConfig {
    /// Fully qualified host name of the service. A leading `<namespace>/` is ignored.
    pub service: Option<String>,
    /// Port of the service.
    pub port: Option<Port>,
    /// Subset of the service. Default: none.
    pub subset: Option<String>,
    /// Name of an Envoy cluster, instead of `service`, `port` and `subset`.
    pub cluster: Option<String>,
    /// Maximum length in bytes of a text attribute of a span, 1 to 4,096; longer texts are cut.
    /// Default: 256.
    pub max_tag_length: Option<IntegerWithin<1, 4_096>>,
    /// OTLP over HTTP. Not allowed with `grpc`.
    pub http: Option<HttpConfig>,
    /// OTLP over gRPC. Default unless `http` is given.
    pub grpc: Option<GrpcConfig>,
    /// Path for log records over HTTP. Allowed only with `http`. Default: `/v1/logs`.
    #[schemars(extend("examples" = ["/v1/logs"]))]
    pub logs_path: Option<UrlPath>,
    /// Resource attributes by name, in addition to those of the proxy's node. Equal names replace
    /// them.
    pub resource: BTreeMap<String, ResourceValue>,
    /// Limits of queues and batches.
    pub queue: QueueConfig,
    #[serde(deserialize_with = "detectors")]
    pub(crate) resource_detectors: (),
    #[serde(deserialize_with = "sampler")]
    pub(crate) dynatrace_sampler: (),
}

/// Settings of OTLP over HTTP.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Path for spans. Default: `/v1/traces`.
    pub path: Option<UrlPath>,
    /// Timeout of one request, 100ms to 30s. Default: 3s.
    pub timeout: Option<DurationWithin<100, 30_000>>,
    /// Additional request headers.
    pub headers: Vec<HeaderConfig>,
}

/// Settings of OTLP over gRPC.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct GrpcConfig {
    /// Timeout of one request, 100ms to 30s. Default: 3s.
    pub timeout: Option<DurationWithin<100, 30_000>>,
    /// Additional request metadata.
    pub initial_metadata: Vec<HeaderConfig>,
}

/// A request header or metadata entry, with exactly one of `value` and `envName`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeaderConfig {
    /// Name of the header.
    pub name: HeaderName,
    /// Secret value.
    #[serde(default)]
    pub value: Option<SecretText>,
    /// Name of the environment variable (`vmConfig.env` of the WasmPlugin) with the secret value.
    #[serde(default)]
    pub env_name: Option<String>,
}

/// Limits of queues and batches. They apply to spans and log records separately, in each worker.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct QueueConfig {
    /// Maximum queued items, 64 to 65,536. A full queue drops the oldest items. Default: 4,096.
    pub max_items: Option<IntegerWithin<64, 65_536>>,
    /// Maximum queued bytes, 65,536 to 16,777,216. Default: 1,048,576 (1 MiB).
    pub max_bytes: Option<IntegerWithin<{ 64 * KIB }, { 16 * MIB }>>,
    /// Maximum items per request, 1 to 8,192. Default: 512.
    pub max_batch_items: Option<IntegerWithin<1, 8_192>>,
    /// Maximum bytes per request, 16,384 to 1,048,576 and at most `maxBytes`. Default: 262,144 (256
    /// KiB).
    pub max_batch_bytes: Option<IntegerWithin<{ 16 * KIB }, MIB>>,
    /// Maximum time an item waits for a batch to fill, 200ms to 1m. Default: 1s.
    pub max_batch_delay: Option<DurationWithin<200, MINUTE_MS>>,
    /// Maximum time to send a request, including retries, 1s to 10m. Then its items are dropped.
    /// Default: 1m.
    pub max_elapsed_time: Option<DurationWithin<1_000, { 10 * MINUTE_MS }>>,
}

/// The name of a provider: 1 to 64 of `A-Z a-z 0-9 . _ -`. `prometheus` and `envoy` are reserved.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    title = "1 to 64 of A-Z a-z 0-9 . _ -",
    extend(
        "pattern" = "^[A-Za-z0-9._-]{1,64}$",
        "not" = {"enum": ["prometheus", "envoy"]},
        "examples" = ["otel"]
    )
)]
pub struct ProviderName(String);

/// A URL path: printable ASCII without spaces and `#`, with a leading slash, at most 1,024 bytes.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("maxLength" = 1_024, "pattern" = r##"^/[!"$-~]*$"##, "examples" = ["/v1/traces"]))]
pub struct UrlPath(String);

/// The value of a resource attribute, 1 to 256 bytes.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("minLength" = 1, "maxLength" = 256, "examples" = ["production"]))]
pub struct ResourceValue(String);

/// A secret header value: 1 to 4,096 bytes of printable ASCII. It is never logged.
#[derive(Clone, Eq, JsonSchema, PartialEq)]
#[schemars(inline, extend("pattern" = "^[ -~]{1,4096}$"))]
pub struct SecretText(String);

/// Host and port of a collector.
#[derive(Clone, Debug, Eq, JsonSchema, PartialEq)]
#[schemars(
    inline,
    with = "String",
    title = "host:port",
    extend(
        "pattern" = "^[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*:[0-9]+$",
        "examples" = ["otel-collector.monitoring.svc.cluster.local:4317"]
    )
)]
pub struct Endpoint {
    /// Host name of the collector.
    pub host: String,
    /// Port of the collector.
    pub port: Port,
}

impl OpenTelemetryConfig {
    /// Returns the cluster of the collector; `None` if neither a service nor a cluster is given.
    ///
    /// # Errors
    ///
    /// Returns an error that names the missing, invalid or conflicting field.
    pub fn cluster(&self) -> Result<Option<ClusterRef>, InvalidClusterRef> {
        let (service, subset) = (self.service.as_deref(), self.subset.as_deref());
        ClusterRef::from_parts(service, self.port, subset, self.cluster.as_deref())
    }
}

impl ProviderName {
    /// Returns the name of a provider from `endpoint`.
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
    /// Creates a secret from a text; `None` if a header cannot contain it.
    #[must_use]
    pub fn new(text: String) -> Option<Self> {
        let is_valid = (1..=4_096).contains(&text.len()) && filter_core::is_printable(&text);
        is_valid.then_some(Self(text))
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
        let is_allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let name = text(deserializer, "1 to 64 of A-Z a-z 0-9 . _ -", |name| {
            (1..=64).contains(&name.len()) && name.bytes().all(is_allowed)
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
        let is_valid = |text: &str| (1..=256).contains(&text.len());
        text(deserializer, "a text of 1 to 256 bytes", is_valid).map(Self)
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The value is a secret, so it is not shown.
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
    // The host follows the rules of a service, but without a namespace.
    let is_host = !host.contains('/') && ClusterRef::of_service(host, port, "").is_ok();
    is_host.then(|| Endpoint { host: host.to_owned(), port })
}

fn refuse<'de, D: Deserializer<'de>>(deserializer: D, hint: &str) -> Result<(), D::Error> {
    misplaced::refuse(deserializer, &format!("must not be given: {hint}"))
}

fn zipkin<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "use opentelemetry with a collector that exports to Zipkin")
}

fn prometheus<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "it is built in, use prometheus in metrics[].providers")
}

fn file<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "it is built in, use envoy in accessLogging[].providers")
}

fn otel_als<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "use opentelemetry, which also accepts log records")
}

fn other<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(
        deserializer,
        "only OTLP is supported, use opentelemetry with a collector that converts it",
    )
}

fn detectors<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "the proxy's node is always read, add further attributes to resource")
}

fn sampler<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    refuse(deserializer, "use randomSamplingPercentage or sampling in tracing")
}
