//! From the document's providers to those that can be called.

use std::time::Duration;

use filter_core::{ConfigErrors, Warning};

use super::{Limits, Protocol, Provider};
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
/// The port at which collectors take OTLP over HTTP.
const HTTP_PORT: u64 = 4_318;
/// Headers that a request has anyway.
const OWN_HEADERS: [&str; 6] =
    ["content-type", "content-length", "user-agent", "grpc-timeout", "grpc-encoding", "authority"];

/// Compiles the providers of a document; what is wrong with them is noted.
///
/// `variable` looks up a variable of the virtual machine.
pub(crate) fn compile(
    configured: Option<&Vec<ProviderConfig>>,
    endpoint: Option<&Endpoint>,
    variable: &dyn Fn(&str) -> Option<String>,
    compiler: &mut Compiler,
) -> Vec<Provider> {
    let path = "extensionProviders";
    let configured = match (configured, endpoint) {
        (None, None) => return Vec::new(),
        (None, Some(endpoint)) => return of_endpoint(endpoint, variable, compiler),
        (Some(configured), None) => configured,
        (Some(configured), Some(_)) => {
            compiler.errors.add("endpoint", "must not stand beside extensionProviders");
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
                providers.extend(one(&provider.name, config, &path, variable, compiler));
            }
            None => compiler.errors.add(path, "must have opentelemetry"),
        }
    }
    providers
}

/// Lists the names of all providers, also of those that [`compile`] refuses.
pub(crate) fn names(
    configured: Option<&Vec<ProviderConfig>>,
    endpoint: Option<&Endpoint>,
) -> Vec<String> {
    let of_endpoint =
        endpoint.filter(|_| configured.is_none()).map(|_| ProviderName::of_endpoint());
    let configured = configured.into_iter().flatten().map(|provider| &provider.name);
    configured.chain(&of_endpoint).map(|name| name.as_str().to_owned()).collect()
}

/// Makes the provider of the short form: gRPC, or HTTP at the port of HTTP.
fn of_endpoint(
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
    one(&name, &config, "endpoint", variable, compiler).into_iter().collect()
}

fn one(
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
            .and_then(|most| usize::try_from(most.get()).ok())
            .unwrap_or(MAX_TAG_LENGTH),
        resource: resource(config, path, &mut compiler.errors),
    })
}

/// Returns host and port, or the name of the cluster where nothing else is said.
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
        errors.add(format_args!("{path}.grpc"), "must not stand beside http: give one of them");
    }
    if config.http.is_none() && config.logs_path.is_some() {
        errors.add(format_args!("{path}.logsPath"), "must not be given without http");
    }
    if let Some(http) = &config.http {
        let or = |path: &Option<UrlPath>, other: &str| -> Box<str> {
            path.as_ref().map_or(other, UrlPath::as_str).into()
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
        if OWN_HEADERS.contains(&name) {
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

fn limits(queue: QueueConfig, path: &str, errors: &mut ConfigErrors) -> Limits {
    let defaults = Limits::default();
    let size = |number: Option<u64>, default: usize| {
        number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default)
    };
    let bytes = size(queue.max_bytes.map(|it| it.get()), defaults.bytes);
    // A default never contradicts what is said.
    let batch_bytes = defaults.batch_bytes.min(bytes);
    let batch_bytes = size(queue.max_batch_bytes.map(|it| it.get()), batch_bytes);
    if batch_bytes > bytes {
        let rule = "must be at most maxBytes";
        errors.add(format_args!("{path}.queue.maxBatchBytes"), rule);
    }
    Limits {
        items: size(queue.max_items.map(|it| it.get()), defaults.items),
        bytes,
        batch_items: size(queue.max_batch_items.map(|it| it.get()), defaults.batch_items),
        batch_bytes,
        batch_delay: queue.max_batch_delay.map_or(defaults.batch_delay, |it| it.get()),
        elapsed: queue.max_elapsed_time.map_or(defaults.elapsed, |it| it.get()),
    }
}

fn check_count(count: usize, most: usize, path: &str, errors: &mut ConfigErrors) {
    if !(1..=most).contains(&count) {
        errors.add(path, format_args!("must have 1 to {most} entries"));
    }
}

fn check_at_most(count: usize, most: usize, path: &str, errors: &mut ConfigErrors) {
    if count > most {
        errors.add(path, format_args!("must have at most {most} entries"));
    }
}

#[cfg(test)]
mod tests;
