//! Envoy's configuration, made from the shipped samples.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::repository;

const ACCESS_LOG: &str = "/filter_chains/0/filters/0/typed_config/access_log/0/typed_config\
                          /log_format/json_format";
const ROUTES: &str = "/filter_chains/0/filters/0/typed_config/route_config/virtual_hosts/0/routes";
const MANAGER: &str = "/filter_chains/0/filters/0/typed_config";
const HTTP_FILTERS: &str = "/filter_chains/0/filters/0/typed_config/http_filters";

/// A filter in the chain: its shipped block with another `pluginConfig`.
#[derive(Clone, Debug)]
pub struct Filter {
    name: String,
    plugin_config: Option<Value>,
    failure_policy: Option<String>,
    path: Option<String>,
    native: Option<Value>,
    environment: Option<(String, String)>,
}

impl Filter {
    /// The filter as `envoy/<name>.yaml` has it.
    pub fn shipped(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            plugin_config: None,
            failure_policy: None,
            path: None,
            native: None,
            environment: None,
        }
    }

    /// The filter with another `pluginConfig`.
    pub fn new(name: &str, plugin_config: Value) -> Self {
        Self { plugin_config: Some(plugin_config), ..Self::shipped(name) }
    }

    /// A filter of Envoy's own, whose whole block is `block`.
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

    /// Sets a variable in the environment of the virtual machine.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment = Some((name.to_owned(), value.to_owned()));
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
        if let Some((name, value)) = &self.environment {
            let machine = block.pointer_mut("/typed_config/config/vm_config");
            let machine = machine.and_then(Value::as_object_mut).context("no vm_config")?;
            let variables = json!({"key_values": {name: value}});
            machine.insert("environment_variables".to_owned(), variables);
        }
        if let Some(policy) = &self.failure_policy {
            set(&mut block, "/typed_config/config/failure_policy", json!(policy))?;
        }
        Ok(block)
    }
}

/// How a listener that is replaced gets rid of its connections, within so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drain {
    /// It asks ever more of them to close.
    Gradual(u32),
    /// It asks each of them to close with its next answer.
    Immediate(u32),
}

/// What a test wants of Envoy; everything else is as `envoy/bootstrap.yaml` has it.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The worker threads.
    pub concurrency: u32,
    /// The chain before the router.
    pub filters: Vec<Filter>,
    /// The application behind cluster `app`.
    pub app: SocketAddr,
    /// The identity provider behind cluster `keys`.
    pub keys: Option<SocketAddr>,
    /// Further clusters.
    pub clusters: Vec<Value>,
    /// Routes before the one to `app`.
    pub routes: Vec<Value>,
    /// Further fields of the access log: name and format.
    pub access_log: Vec<(String, String)>,
    /// The proxy's id in Istio's form; default: the one in the bootstrap.
    pub node_id: Option<String>,
    /// How names of stats are split into tags; Envoy's own way if absent.
    pub stats_config: Option<Value>,
    /// Envoy's own tracing, a field of the connection manager; off if absent.
    pub tracing: Option<Value>,
    /// Protocols to which a request may be upgraded, such as `websocket`.
    pub upgrades: Vec<String>,
    /// Additional fields of the connection manager, which replace shipped ones of the same name.
    pub manager: Vec<(String, Value)>,
    /// How often histograms are merged, such as `1s`; every five seconds if absent.
    pub stats_flush: Option<String>,
    /// How a listener that is replaced ends.
    pub drain: Drain,
    /// Where requests come in; port 0 lets the system choose.
    pub port: u16,
    /// Where the admin interface is; port 0 lets the system choose.
    pub admin_port: u16,
}

impl Setup {
    /// One worker, free ports, and `filters` before the application at `app`.
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

    /// The bootstrap, which reads its listener from the file `listeners`.
    pub(crate) fn bootstrap(&self, listeners: &str) -> Result<Value> {
        let mut bootstrap = repository::yaml("envoy/bootstrap.yaml")?;
        let admin = "/admin/address/socket_address/port_value";
        set(&mut bootstrap, admin, json!(self.admin_port))?;
        set(&mut bootstrap, "/static_resources/listeners", json!([]))?;
        let clusters = bootstrap
            .pointer_mut("/static_resources/clusters")
            .and_then(Value::as_array_mut)
            .context("the bootstrap has no clusters")?;
        point(clusters, "app", self.app)?;
        if let Some(keys) = self.keys {
            point(clusters, "keys", keys)?;
        }
        // A test's own cluster stands in place of the one of that name.
        let is_replaced =
            |it: &Value| self.clusters.iter().any(|own| own.get("name") == it.get("name"));
        clusters.retain(|cluster| !is_replaced(cluster));
        clusters.extend(self.clusters.iter().cloned());
        let source = json!({"lds_config": {"path_config_source": {"path": listeners}}});
        if let Some(id) = &self.node_id {
            set(&mut bootstrap, "/node/id", json!(id))?;
        }
        let members = bootstrap.as_object_mut().context("the bootstrap is no object")?;
        members.insert("dynamic_resources".to_owned(), source);
        let flush = self.stats_flush.as_ref();
        members.extend(flush.map(|it| ("stats_flush_interval".to_owned(), json!(it))));
        members.extend(self.stats_config.clone().map(|stats| ("stats_config".to_owned(), stats)));
        Ok(bootstrap)
    }

    /// The listener as a discovery response, with `filters` before the router.
    pub(crate) fn listeners(&self, filters: &[Filter]) -> Result<Value> {
        let bootstrap = repository::yaml("envoy/bootstrap.yaml")?;
        let mut listener = bootstrap
            .pointer("/static_resources/listeners/0")
            .context("the bootstrap has no listener")?
            .clone();
        set(&mut listener, "/address/socket_address/port_value", json!(self.port))?;
        let shipped = listener.pointer(HTTP_FILTERS).and_then(Value::as_array);
        let router = shipped.and_then(|all| all.last()).context("no router")?.clone();
        let mut chain = filters.iter().map(Filter::block).collect::<Result<Vec<_>>>()?;
        chain.push(router);
        set(&mut listener, HTTP_FILTERS, json!(chain))?;
        let upgrades = self.upgrades.iter().map(|protocol| json!({"upgrade_type": protocol}));
        let manager = listener.pointer_mut(MANAGER).and_then(Value::as_object_mut);
        let manager = manager.context("no connection manager")?;
        manager.insert("upgrade_configs".to_owned(), upgrades.collect());
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
            .context("the listener is no object")?
            .insert("@type".to_owned(), json!(kind));
        Ok(json!({"resources": [listener]}))
    }
}

fn point(clusters: &mut [Value], name: &str, address: SocketAddr) -> Result<()> {
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
    *document.pointer_mut(pointer).with_context(|| format!("nothing at {pointer}"))? = value;
    Ok(())
}
