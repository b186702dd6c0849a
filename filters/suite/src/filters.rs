//! The filters and their order.

use std::rc::Rc;

use access_control::{AccessControl, Policies};
use fault_injection::FaultInjection;
use filter_core::{ConfigErrors, InvalidConfig};
use filter_host::{Action, Plugin, Setup, calls::CallId, environment, stream::ContextId};
use jwt_auth::JwtAuth;
use rate_limit::RateLimit;
use routing_tags::RoutingTags;
use telemetry::Telemetry;

use crate::{config::Config, event::Event, filter_stream::FilterStream};

/// The names of the sections.
const JWT_AUTH: &str = "jwt-auth";
const RATE_LIMIT: &str = "rate-limit";
const ACCESS_CONTROL: &str = "access-control";
const ROUTING_TAGS: &str = "routing-tags";
const TELEMETRY: &str = "telemetry";
const FAULT_INJECTION: &str = "fault-injection";

/// The filters that a document configures.
pub(crate) struct Filters {
    jwt_auth: Option<Rc<JwtAuth>>,
    rate_limit: Option<Rc<RateLimit>>,
    access_control: Option<Rc<AccessControl>>,
    routing_tags: Option<Rc<RoutingTags>>,
    telemetry: Option<Rc<Telemetry>>,
    fault_injection: Option<Rc<FaultInjection>>,
}

/// The filters' parts of a stream.
#[derive(Default)]
pub(crate) struct FilterStreams {
    jwt_auth: FilterStream<JwtAuth>,
    rate_limit: FilterStream<RateLimit>,
    access_control: FilterStream<AccessControl>,
    routing_tags: FilterStream<RoutingTags>,
    telemetry: FilterStream<Telemetry>,
    fault_injection: FilterStream<FaultInjection>,
}

impl Filters {
    /// The number of filters. Their positions are in the order in which a request passes them.
    pub(crate) const COUNT: usize = 6;

    /// Creates the filters; `section` returns the text of a section.
    ///
    /// # Errors
    ///
    /// Returns the errors of all sections, with the section in the path.
    pub(crate) fn new(
        config: &Config,
        section: impl Fn(&str) -> Vec<u8>,
        setup: &Setup,
    ) -> Result<Self, InvalidConfig> {
        let mut errors = ConfigErrors::default();
        let mut compile = Compiler(&mut errors);
        let jwt_auth = compile.section(JWT_AUTH, config.jwt_auth.as_ref(), JwtAuth::compile);
        let rate_limit =
            compile.section(RATE_LIMIT, config.rate_limit.as_ref(), rate_limit::Policy::new);
        let access_control =
            compile.section(ACCESS_CONTROL, config.access_control.as_ref(), Policies::new);
        let routing_tags =
            compile.section(ROUTING_TAGS, config.routing_tags.as_ref(), routing_tags::Policy::new);
        let telemetry = compile.section(TELEMETRY, config.telemetry.as_ref(), |config| {
            telemetry::Policy::new(config, &environment::variable)
        });
        let fault_injection = compile.section(
            FAULT_INJECTION,
            config.fault_injection.as_ref(),
            fault_injection::Policy::new,
        );
        // A plugin writes metrics and shared data, so none is started for a refused document.
        errors.finish(())?;
        let setup = |section| Setup { section, ..setup.clone() };
        Ok(Self {
            jwt_auth: jwt_auth.map(|policy| Rc::new(JwtAuth::start(policy, &setup(JWT_AUTH)))),
            rate_limit: rate_limit
                .map(|policy| Rc::new(RateLimit::start(policy, &setup(RATE_LIMIT)))),
            access_control: access_control
                .map(|policies| Rc::new(AccessControl::start(policies, &setup(ACCESS_CONTROL)))),
            routing_tags: routing_tags.map(|policy| {
                let document = section(ROUTING_TAGS);
                Rc::new(RoutingTags::start(policy, &document, &setup(ROUTING_TAGS)))
            }),
            telemetry: telemetry.map(|policy| Rc::new(Telemetry::start(policy, &setup(TELEMETRY)))),
            fault_injection: fault_injection.map(|policy| {
                let document = section(FAULT_INJECTION);
                Rc::new(FaultInjection::start(policy, &document, &setup(FAULT_INJECTION)))
            }),
        })
    }

    pub(crate) fn on_tick(&self) {
        on_tick(self.jwt_auth.as_ref());
        on_tick(self.rate_limit.as_ref());
        on_tick(self.access_control.as_ref());
        on_tick(self.routing_tags.as_ref());
        on_tick(self.telemetry.as_ref());
        on_tick(self.fault_injection.as_ref());
    }

    /// Passes the response to a call to all filters; each ignores the calls of others.
    pub(crate) fn on_http_call_response(&self, call: CallId, body_size: usize) {
        on_http_call_response(self.jwt_auth.as_ref(), call, body_size);
        on_http_call_response(self.rate_limit.as_ref(), call, body_size);
        on_http_call_response(self.access_control.as_ref(), call, body_size);
        on_http_call_response(self.telemetry.as_ref(), call, body_size);
    }
}

impl FilterStreams {
    /// Calls a callback of the filter at a position.
    pub(crate) fn deliver(
        &mut self,
        position: usize,
        filters: &Filters,
        context: ContextId,
        event: Event,
    ) -> Action {
        match position {
            0 => self.jwt_auth.deliver(filters.jwt_auth.as_ref(), context, event),
            1 => self.rate_limit.deliver(filters.rate_limit.as_ref(), context, event),
            2 => self.access_control.deliver(filters.access_control.as_ref(), context, event),
            3 => self.routing_tags.deliver(filters.routing_tags.as_ref(), context, event),
            4 => self.telemetry.deliver(filters.telemetry.as_ref(), context, event),
            5 => self.fault_injection.deliver(filters.fault_injection.as_ref(), context, event),
            _ => Action::Continue,
        }
    }

    /// Calls the callback for the end of the stream of every filter.
    pub(crate) fn log(&mut self, filters: &Filters, context: ContextId) {
        self.jwt_auth.log(filters.jwt_auth.as_ref(), context);
        self.rate_limit.log(filters.rate_limit.as_ref(), context);
        self.access_control.log(filters.access_control.as_ref(), context);
        self.routing_tags.log(filters.routing_tags.as_ref(), context);
        self.telemetry.log(filters.telemetry.as_ref(), context);
        self.fault_injection.log(filters.fault_injection.as_ref(), context);
    }
}

/// Compiles sections, and collects their errors.
struct Compiler<'a>(&'a mut ConfigErrors);

impl Compiler<'_> {
    fn section<C, P>(
        &mut self,
        section: &str,
        config: Option<&C>,
        compile: impl FnOnce(&C) -> Result<P, InvalidConfig>,
    ) -> Option<P> {
        compile(config?).map_err(|invalid| self.0.extend(invalid.in_section(section))).ok()
    }
}

fn on_tick<P: Plugin>(plugin: Option<&Rc<P>>) {
    if let Some(plugin) = plugin {
        plugin.on_tick();
    }
}

fn on_http_call_response<P: Plugin>(plugin: Option<&Rc<P>>, call: CallId, body_size: usize) {
    if let Some(plugin) = plugin {
        plugin.on_http_call_response(call, body_size);
    }
}
