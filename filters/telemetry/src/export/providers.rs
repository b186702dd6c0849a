//! Compilation of `extensionProviders` and `endpoint`.

use std::time::Duration;

use filter_core::{ConfigErrors, Warning};

use super::{Protocol, Provider, QueueLimits};
use crate::{
    config::providers::{
        Endpoint, HeaderConfig, OpenTelemetryConfig, ProviderConfig, ProviderName, QueueConfig,
        SecretText, UrlPath,
    },
    policy::compiler::Compiler,
};

const MAX_PROVIDERS: usize = 4;
const MAX_HEADERS: usize = 16;
const MAX_ATTRIBUTES: usize = 32;
const TIMEOUT: Duration = Duration::from_secs(3);
const MAX_TAG_LENGTH: usize = 256;
/// The default port of OTLP/HTTP.
const HTTP_PORT: u64 = 4_318;
/// Headers that cannot be configured.
const RESERVED_HEADERS: [&str; 6] =
    ["content-type", "content-length", "user-agent", "grpc-timeout", "grpc-encoding", "authority"];

/// Compiles the providers of a document and collects their errors.
///
/// `variable` looks up an environment variable of the virtual machine.
pub(crate) fn compile(
    configured: Option<&Vec<ProviderConfig>>,
    endpoint: Option<&Endpoint>,
    variable: &dyn Fn(&str) -> Option<String>,
    compiler: &mut Compiler,
) -> Vec<Provider> {
    let path = "extensionProviders";
    let configured = match (configured, endpoint) {
        (None, None) => return Vec::new(),
        (None, Some(endpoint)) => return from_endpoint(endpoint, variable, compiler),
        (Some(configured), None) => configured,
        (Some(configured), Some(_)) => {
            compiler.errors.add("endpoint", "must not be given together with extensionProviders");
            configured
        }
    };
    check_count(configured.len(), MAX_PROVIDERS, path, &mut compiler.errors);
    let mut providers: Vec<Provider> = Vec::new();
    for (index, provider) in configured.iter().enumerate() {
        let path = format!("{path}[{index}]");
        if configured.iter().take(index).any(|other| other.name == provider.name) {
            compiler.errors.add(format_args!("{path}.name"), "must be unique");
        }
        match &provider.opentelemetry {
            Some(config) => {
                let path = format!("{path}.opentelemetry");
                providers.extend(compile_one(&provider.name, config, &path, variable, compiler));
            }
            None => compiler.errors.add(path, "must have opentelemetry"),
        }
    }
    providers
}

/// Returns the names of all providers, including those that [`compile`] rejects.
pub(crate) fn names(
    configured: Option<&Vec<ProviderConfig>>,
    endpoint: Option<&Endpoint>,
) -> Vec<String> {
    let short_form = endpoint.filter(|_| configured.is_none()).map(|_| ProviderName::of_endpoint());
    let configured = configured.into_iter().flatten().map(|provider| &provider.name);
    configured.chain(&short_form).map(|name| name.as_str().to_owned()).collect()
}

/// Compiles the short form: OTLP/HTTP on port 4318, otherwise gRPC.
fn from_endpoint(
    endpoint: &Endpoint,
    variable: &dyn Fn(&str) -> Option<String>,
    compiler: &mut Compiler,
) -> Vec<Provider> {
    let config = OpenTelemetryConfig {
        service: Some(endpoint.host.clone()),
        port: Some(endpoint.port),
        http: (endpoint.port.get() == HTTP_PORT).then(Default::default),
        ..OpenTelemetryConfig::default()
    };
    let name = ProviderName::of_endpoint();
    compile_one(&name, &config, "endpoint", variable, compiler).into_iter().collect()
}

fn compile_one(
    name: &ProviderName,
    config: &OpenTelemetryConfig,
    path: &str,
    variable: &dyn Fn(&str) -> Option<String>,
    compiler: &mut Compiler,
) -> Option<Provider> {
    let authority = authority(config, path, compiler);
    let cluster = match config.cluster() {
        Ok(Some(cluster)) => Some(cluster),
        Ok(None) => {
            compiler.errors.add(path, "must have service and port, or cluster");
            None
        }
        Err(error) => {
            compiler.errors.add(format_args!("{path}.{}", error.field()), error);
            None
        }
    };
    let (protocol, timeout, headers) = protocol(config, path, variable, &mut compiler.errors);
    Some(Provider {
        name: name.as_str().into(),
        cluster: cluster?,
        authority,
        protocol,
        headers,
        timeout,
        limits: limits(config.queue, path, &mut compiler.errors),
        max_tag_length: config
            .max_tag_length
            .and_then(|max| usize::try_from(max.get()).ok())
            .unwrap_or(MAX_TAG_LENGTH),
        resource: resource(config, path, &mut compiler.errors),
    })
}

/// Returns the `:authority`: host and port, or else the cluster name.
fn authority(config: &OpenTelemetryConfig, path: &str, compiler: &mut Compiler) -> String {
    let Some(service) = &config.service else {
        return config.cluster.clone().unwrap_or_default();
    };
    let host = service.split_once('/').map_or(&**service, |(_, host)| host);
    if !host.contains('.') {
        let message = format!("{host} is not a fully qualified name, which Istio's clusters have");
        compiler.warnings.push(Warning::new(path, message));
    }
    config.port.map_or_else(|| host.to_owned(), |port| format!("{host}:{}", port.get()))
}

fn protocol(
    config: &OpenTelemetryConfig,
    path: &str,
    variable: &dyn Fn(&str) -> Option<String>,
    errors: &mut ConfigErrors,
) -> (Protocol, Duration, Vec<(String, String)>) {
    if config.http.is_some() && config.grpc.is_some() {
        errors.add(format_args!("{path}.grpc"), "must not be given together with http");
    }
    if config.http.is_none() && config.logs_path.is_some() {
        errors.add(format_args!("{path}.logsPath"), "must not be given without http");
    }
    if let Some(http) = &config.http {
        let or = |path: &Option<UrlPath>, default: &str| -> Box<str> {
            path.as_ref().map_or(default, UrlPath::as_str).into()
        };
        let protocol = Protocol::Http {
            traces: or(&http.path, "/v1/traces"),
            logs: or(&config.logs_path, "/v1/logs"),
        };
        let headers = headers(&http.headers, &format!("{path}.http.headers"), variable, errors);
        return (protocol, http.timeout.map_or(TIMEOUT, |timeout| timeout.get()), headers);
    }
    let grpc = config.grpc.clone().unwrap_or_default();
    let path = format!("{path}.grpc.initialMetadata");
    let headers = headers(&grpc.initial_metadata, &path, variable, errors);
    (Protocol::Grpc, grpc.timeout.map_or(TIMEOUT, |timeout| timeout.get()), headers)
}

fn headers(
    configured: &[HeaderConfig],
    path: &str,
    variable: &dyn Fn(&str) -> Option<String>,
    errors: &mut ConfigErrors,
) -> Vec<(String, String)> {
    check_at_most(configured.len(), MAX_HEADERS, path, errors);
    let mut headers = Vec::new();
    for (index, header) in configured.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let name = header.name.as_str();
        if RESERVED_HEADERS.contains(&name) {
            errors.add(format_args!("{path}.name"), format_args!("must not be {name}"));
        }
        let value = match (&header.value, &header.env_name) {
            (Some(value), None) => Ok(value.clone()),
            (None, Some(name)) => {
                let value = variable(name).and_then(SecretText::new);
                value.ok_or("must name a variable of vmConfig.env that holds printable ASCII")
            }
            _ => Err("must have either value or envName"),
        };
        match value {
            Ok(value) => headers.push((name.to_owned(), value.reveal().to_owned())),
            Err(rule) => errors.add(path, rule),
        }
    }
    headers
}

fn resource(
    config: &OpenTelemetryConfig,
    path: &str,
    errors: &mut ConfigErrors,
) -> Vec<(String, String)> {
    let path = format!("{path}.resource");
    check_at_most(config.resource.len(), MAX_ATTRIBUTES, &path, errors);
    for name in config.resource.keys() {
        if name.is_empty() || name.len() > 128 {
            errors.add(&path, "must have names of 1 to 128 bytes");
        }
    }
    let pairs = config.resource.iter();
    pairs.map(|(name, text)| (name.clone(), text.as_str().to_owned())).collect()
}

fn limits(queue: QueueConfig, path: &str, errors: &mut ConfigErrors) -> QueueLimits {
    let defaults = QueueLimits::default();
    let or = |configured: Option<u64>, default: usize| {
        configured.and_then(|number| usize::try_from(number).ok()).unwrap_or(default)
    };
    let max_bytes = or(queue.max_bytes.map(|max| max.get()), defaults.max_bytes);
    // A default must not exceed the configured `maxBytes`.
    let max_batch_bytes = defaults.max_batch_bytes.min(max_bytes);
    let max_batch_bytes = or(queue.max_batch_bytes.map(|max| max.get()), max_batch_bytes);
    if max_batch_bytes > max_bytes {
        let rule = "must be at most maxBytes";
        errors.add(format_args!("{path}.queue.maxBatchBytes"), rule);
    }
    QueueLimits {
        max_items: or(queue.max_items.map(|max| max.get()), defaults.max_items),
        max_bytes,
        max_batch_items: or(queue.max_batch_items.map(|max| max.get()), defaults.max_batch_items),
        max_batch_bytes,
        max_batch_delay: queue.max_batch_delay.map_or(defaults.max_batch_delay, |max| max.get()),
        max_elapsed_time: queue.max_elapsed_time.map_or(defaults.max_elapsed_time, |max| max.get()),
    }
}

fn check_count(count: usize, max: usize, path: &str, errors: &mut ConfigErrors) {
    if !(1..=max).contains(&count) {
        errors.add(path, format_args!("must have 1 to {max} entries"));
    }
}

fn check_at_most(count: usize, max: usize, path: &str, errors: &mut ConfigErrors) {
    if count > max {
        errors.add(path, format_args!("must have at most {max} entries"));
    }
}

#[cfg(test)]
mod tests;
