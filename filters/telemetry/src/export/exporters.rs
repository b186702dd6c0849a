//! The compiled export configuration: providers and tracing.

use std::collections::BTreeSet;

use crate::{
    Config,
    config::OneOrMany,
    export::{Provider, providers},
    policy::compiler::Compiler,
    signals::access_log::PROXY,
    signals::tracing::{CompileContext, Tracing},
};

/// The providers of a document, and the tracing that exports to them.
#[derive(Clone, Debug, Default)]
pub struct Exporters {
    providers: Vec<Provider>,
    /// The names of all providers, including rejected ones.
    names: Vec<String>,
    tracing: Tracing,
}

impl Exporters {
    /// Compiles both and collects their errors.
    ///
    /// `variable` looks up an environment variable of the virtual machine.
    pub(crate) fn compile(
        config: &Config,
        variable: &dyn Fn(&str) -> Option<String>,
        compiler: &mut Compiler,
    ) -> Self {
        let configured = config.extension_providers.as_ref();
        let endpoint = config.endpoint.as_ref();
        let providers = providers::compile(configured, endpoint, variable, compiler);
        let names = providers::names(configured, endpoint);
        let context = CompileContext {
            providers: &providers,
            names: &names,
            has_endpoint: endpoint.is_some(),
            sample_rate: config.sample_rate,
            variable,
        };
        let entries = config.tracing.as_ref().map(|OneOrMany(entries)| entries.as_slice());
        let tracing = Tracing::compile(entries, &context, compiler);
        Self { providers, names, tracing }
    }

    /// Reports every provider that no entry names.
    ///
    /// An entry of `tracing` without a name uses the first provider. If an entry names an unknown
    /// provider, only that error is reported, because any provider may be meant.
    pub(crate) fn check_use(&self, config: &Config, compiler: &mut Compiler) {
        let tracing = config.tracing.as_ref().map(|entries| entries.0.as_slice());
        let traces = tracing.unwrap_or_default().iter().map(|entry| entry.providers.as_slice());
        let logging = config.access_logging.as_ref().map(|entries| entries.0.as_slice());
        let logs = logging.unwrap_or_default().iter().flat_map(|entry| &entry.providers);
        let logs = logs.map(|provider| provider.name.as_str()).filter(|name| *name != PROXY);
        let first = self.names.first().map(String::as_str);
        let is_traced_by_default =
            traces.clone().any(<[_]>::is_empty) || (tracing.is_none() && config.endpoint.is_some());
        let named: BTreeSet<&str> = traces
            .flatten()
            .map(|provider| provider.name.as_str())
            .chain(logs)
            .chain(first.filter(|_| is_traced_by_default))
            .collect();
        if named.iter().any(|name| !self.has(name)) {
            return;
        }
        for (index, name) in self.names.iter().enumerate() {
            if !named.contains(name.as_str()) {
                let rule = "must be used: no entry of tracing or accessLogging names it";
                compiler.errors.add(format_args!("extensionProviders[{index}]"), rule);
            }
        }
    }

    /// Returns `true` if the document has a provider of this name, even a rejected one.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Returns the providers in document order.
    #[must_use]
    pub fn providers(&self) -> &[Provider] {
        &self.providers
    }

    /// Returns the index of a provider.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<usize> {
        self.providers.iter().position(|provider| *provider.name == *name)
    }

    /// Returns the tracing.
    #[must_use]
    pub const fn tracing(&self) -> &Tracing {
        &self.tracing
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use filter_core::parse_config;

    use super::*;

    fn compile(document: &str) -> Result<Exporters, String> {
        let config: Config =
            parse_config(document.as_bytes()).map_err(|error| error.to_string())?;
        let mut compiler = Compiler::default();
        let exporters = Exporters::compile(&config, &|_| None, &mut compiler);
        exporters.check_use(&config, &mut compiler);
        compiler.errors.finish(exporters).map_err(|error| error.to_string())
    }

    #[test]
    fn the_short_form_configures_tracing() {
        let document = r#"{
            "endpoint": "otel-collector.monitoring.svc.cluster.local:4317", "sample_rate": 0.1
        }"#;
        let exporters = compile(document).unwrap();
        assert_eq!(exporters.provider("otel"), Some(0));
        assert_eq!(exporters.tracing().tracers().len(), 1);
        compile(&document.replace("sample_rate", "sampleRate")).unwrap();
    }

    #[test]
    fn rejects_unused_providers() {
        let document = r#"{"extensionProviders": [
            {"name": "a", "opentelemetry": {"cluster": "a"}},
            {"name": "b", "opentelemetry": {"cluster": "b"}}
        ], "tracing": {"providers": [{"name": "b"}]}}"#;
        let rule = "must be used: no entry of tracing or accessLogging names it";
        let error = compile(document).unwrap_err();
        assert_eq!(error, format!("extensionProviders[0]: {rule}"));
        let logged = |name: &str, more: &str| {
            let entry =
                format!(r#""accessLogging": {{"providers": [{{"name": "{name}"}}]{more}}}"#);
            compile(&document.replacen('{', &format!("{{{entry}, "), 1))
        };
        logged("a", "").unwrap();
        logged("a", r#", "disabled": true"#).unwrap();
        assert_eq!(logged("envoy", "").unwrap_err(), error);
    }

    #[test]
    fn exports_nothing_by_default() {
        let exporters = compile("{}").unwrap();
        assert!(exporters.providers().is_empty() && exporters.tracing().tracers().is_empty());
    }
}
