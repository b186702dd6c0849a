//! Envoy's configuration, based on the shipped samples.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{repository, suite};

const ACCESS_LOG: &str = "/filter_chains/0/filters/0/typed_config/access_log/0/typed_config\
                          /log_format/json_format";
const ROUTES: &str = "/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes";
const MANAGER: &str = "/filter_chains/0/filters/0/typed_config";
const HTTP_FILTERS: &str = "/filter_chains/0/filters/0/typed_config/http_filters";

/// An HTTP filter: a shipped filter block with changes, or a filter of Envoy.
#[derive(Clone, Debug)]
pub struct Filter {
    name: String,
    plugin_config: Option<Value>,
    failure_policy: Option<String>,
    path: Option<String>,
    native: Option<Value>,
    environment: Vec<(String, String)>,
}

impl Filter {
    /// Creates the filter of `envoy/<name>.yaml`.
    pub fn shipped(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            plugin_config: None,
            failure_policy: None,
            path: None,
            native: None,
            environment: Vec::new(),
        }
    }

    /// Creates the filter of `envoy/<name>.yaml` with another `pluginConfig`.
    pub fn new(name: &str, plugin_config: Value) -> Self {
        Self { plugin_config: Some(plugin_config), ..Self::shipped(name) }
    }

    /// Creates a filter of Envoy from its whole configuration block.
    pub fn native(block: Value) -> Self {
        Self { native: Some(block), ..Self::shipped("native") }
    }

    /// Replaces the failure policy, such as `FAIL_CLOSED`.
    pub fn failure_policy(mut self, policy: &str) -> Self {
        self.failure_policy = Some(policy.to_owned());
        self
    }

    /// Replaces the module by the file at `path`.
    pub fn module(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Sets an environment variable of the VM.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Returns the name of the sample.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns `true` if this is the filter `name` with its shipped module.
    pub(crate) fn is_shipped_as(&self, name: &str) -> bool {
        self.name == name && self.path.is_none() && self.native.is_none()
    }

    /// Returns the `pluginConfig`.
    ///
    /// # Errors
    /// If it is that of the sample, and the sample cannot be read.
    pub(crate) fn document(&self) -> Result<Value> {
        match &self.plugin_config {
            Some(config) => Ok(config.clone()),
            None => repository::plugin_config(&format!("envoy/{}.yaml", self.name)),
        }
    }

    /// Replaces the `pluginConfig`.
    pub(crate) fn document_is(mut self, plugin_config: Value) -> Self {
        self.plugin_config = Some(plugin_config);
        self
    }

    /// Takes the environment variables of other filters.
    pub(crate) fn environment_of(mut self, filters: &[&Self]) -> Self {
        self.environment = filters.iter().flat_map(|filter| filter.environment.clone()).collect();
        self
    }

    fn block(&self) -> Result<Value> {
        if let Some(block) = &self.native {
            return Ok(block.clone());
        }
        let mut block = repository::yaml(&format!("envoy/{}.yaml", self.name))?;
        let path = match &self.path {
            Some(path) => path.clone(),
            None => repository::module(&self.name)?.display().to_string(),
        };
        set(&mut block, "/typed_config/config/vm_config/code/local/filename", json!(path))?;
        if let Some(config) = &self.plugin_config {
            set(&mut block, "/typed_config/config/configuration/value", json!(config.to_string()))?;
        }
        if !self.environment.is_empty() {
            let variables: BTreeMap<_, _> = self.environment.iter().cloned().collect();
            let machine = block.pointer_mut("/typed_config/config/vm_config");
            let machine = machine.and_then(Value::as_object_mut).context("no vm_config")?;
            let variables = json!({"key_values": variables});
            machine.insert("environment_variables".to_owned(), variables);
        }
        if let Some(policy) = &self.failure_policy {
            set(&mut block, "/typed_config/config/failure_policy", json!(policy))?;
        }
        Ok(block)
    }
}

/// The strategy by which a replaced listener drains, with the drain time in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// Closes an increasing share of the connections.
    Gradual(u32),
    /// Closes each connection with its next response.
    Immediate(u32),
}

/// Changes to `envoy/bootstrap.yaml` and options of the command line.
#[derive(Clone, Debug)]
pub struct EnvoyOptions {
    /// Number of worker threads. Default: 1.
    pub concurrency: u32,
    /// The HTTP filters before the router.
    pub filters: Vec<Filter>,
    /// Address of the cluster `app`.
    pub app: SocketAddr,
    /// Address of the cluster `keys`. `None` keeps that of the bootstrap.
    pub keys: Option<SocketAddr>,
    /// Additional clusters, which replace shipped ones of the same name.
    pub clusters: Vec<Value>,
    /// Routes in front of the one to `app`.
    pub routes: Vec<Value>,
    /// Additional fields of the access log: name and format.
    pub access_log: Vec<(String, String)>,
    /// Node id, for example in Istio's format. `None` keeps that of the bootstrap.
    pub node_id: Option<String>,
    /// The `stats_config`. `None` keeps Envoy's default tag patterns.
    pub stats_config: Option<Value>,
    /// The `tracing` of the connection manager. `None` disables Envoy's own tracing.
    pub tracing: Option<Value>,
    /// Protocols to which requests may be upgraded, such as `websocket`.
    pub upgrades: Vec<String>,
    /// Additional fields of the connection manager, which replace shipped ones of the same name.
    pub manager: Vec<(String, Value)>,
    /// Interval in which histograms are merged, such as `1s`. `None` is Envoy's default of 5 s.
    pub stats_flush: Option<String>,
    /// Drain strategy of replaced listeners. Default: gradual, 3 s.
    pub drain: Drain,
    /// Port of the listener. 0, the default, is any free port.
    pub port: u16,
    /// Port of the admin interface. 0, the default, is any free port.
    pub admin_port: u16,
}

impl EnvoyOptions {
    /// Creates options for `filters` in front of the application at `app`.
    pub fn new(app: SocketAddr, filters: Vec<Filter>) -> Self {
        Self {
            concurrency: 1,
            filters,
            app,
            keys: None,
            clusters: Vec::new(),
            routes: Vec::new(),
            access_log: Vec::new(),
            node_id: None,
            stats_config: None,
            tracing: None,
            upgrades: Vec::new(),
            manager: Vec::new(),
            stats_flush: None,
            drain: Drain::Gradual(3),
            port: 0,
            admin_port: 0,
        }
    }

    /// Returns the bootstrap, which reads its listener from the file `listeners`.
    pub(crate) fn bootstrap(&self, listeners: &str) -> Result<Value> {
        let mut bootstrap = repository::yaml("envoy/bootstrap.yaml")?;
        let admin = "/admin/address/socket_address/port_value";
        set(&mut bootstrap, admin, json!(self.admin_port))?;
        set(&mut bootstrap, "/static_resources/listeners", json!([]))?;
        let clusters = bootstrap
            .pointer_mut("/static_resources/clusters")
            .and_then(Value::as_array_mut)
            .context("the bootstrap has no clusters")?;
        set_address(clusters, "app", self.app)?;
        if let Some(keys) = self.keys {
            set_address(clusters, "keys", keys)?;
        }
        // A cluster of the test replaces a shipped one of the same name.
        let is_replaced = |shipped: &Value| {
            self.clusters.iter().any(|own| own.get("name") == shipped.get("name"))
        };
        clusters.retain(|cluster| !is_replaced(cluster));
        clusters.extend(self.clusters.iter().cloned());
        let source = json!({"lds_config": {"path_config_source": {"path": listeners}}});
        if let Some(id) = &self.node_id {
            set(&mut bootstrap, "/node/id", json!(id))?;
        }
        let members = bootstrap.as_object_mut().context("the bootstrap is not an object")?;
        members.insert("dynamic_resources".to_owned(), source);
        let flush = self.stats_flush.as_ref();
        members.extend(flush.map(|interval| ("stats_flush_interval".to_owned(), json!(interval))));
        members.extend(self.stats_config.clone().map(|stats| ("stats_config".to_owned(), stats)));
        Ok(bootstrap)
    }

    /// Returns the listener as a discovery response, with `filters` before the router.
    pub(crate) fn listeners(&self, filters: &[Filter]) -> Result<Value> {
        let bootstrap = repository::yaml("envoy/bootstrap.yaml")?;
        let mut listener = bootstrap
            .pointer("/static_resources/listeners/0")
            .context("the bootstrap has no listener")?
            .clone();
        set(&mut listener, "/address/socket_address/port_value", json!(self.port))?;
        let shipped = listener.pointer(HTTP_FILTERS).and_then(Value::as_array);
        let router = shipped.and_then(|all| all.last()).context("no router")?.clone();
        let filters = suite::chain(filters)?;
        let mut chain = filters.iter().map(Filter::block).collect::<Result<Vec<_>>>()?;
        chain.push(router);
        set(&mut listener, HTTP_FILTERS, json!(chain))?;
        let upgrades = self.upgrades.iter().map(|protocol| json!({"upgrade_type": protocol}));
        let manager = listener.pointer_mut(MANAGER).and_then(Value::as_object_mut);
        let manager = manager.context("no connection manager")?;
        manager.insert("upgrade_configs".to_owned(), upgrades.collect());
        // As behind a gateway, so that tests can choose addresses in x-forwarded-for.
        manager.insert("use_remote_address".to_owned(), json!(false));
        manager.extend(self.tracing.clone().map(|tracing| ("tracing".to_owned(), tracing)));
        manager.extend(self.manager.iter().cloned());
        let routes = listener.pointer_mut(ROUTES).and_then(Value::as_array_mut);
        routes.context("no routes")?.splice(0..0, self.routes.iter().cloned());
        let fields = listener.pointer_mut(ACCESS_LOG).and_then(Value::as_object_mut);
        let fields = fields.context("no access log")?;
        fields.extend(self.access_log.iter().map(|(name, format)| (name.clone(), json!(format))));
        let kind = "type.googleapis.com/envoy.config.listener.v3.Listener";
        listener
            .as_object_mut()
            .context("the listener is not an object")?
            .insert("@type".to_owned(), json!(kind));
        Ok(json!({"resources": [listener]}))
    }
}

/// Sets the address of the cluster `name`.
fn set_address(clusters: &mut [Value], name: &str, address: SocketAddr) -> Result<()> {
    let endpoint = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
    for cluster in clusters {
        if cluster.get("name").and_then(Value::as_str) == Some(name) {
            let socket = json!({"address": address.ip().to_string(), "port_value": address.port()});
            return set(cluster, endpoint, socket);
        }
    }
    bail!("the bootstrap has no cluster {name}")
}

fn set(document: &mut Value, pointer: &str, value: Value) -> Result<()> {
    *document.pointer_mut(pointer).with_context(|| format!("no value at {pointer}"))? = value;
    Ok(())
}
