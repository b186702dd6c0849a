//! The filters and their order.

use std::rc::Rc;

use fault_injection::FaultInjection;
use filter_core::{ConfigErrors, InvalidConfig};
use filter_host::{Action, Plugin, Setup, calls::CallId, stream::ContextId};
use jwt_auth::JwtAuth;
use routing_tags::RoutingTags;
use telemetry::Telemetry;

use crate::{config::Config, event::Event, filter_stream::FilterStream};

/// The filters that a document configures.
pub(crate) struct Filters {
    jwt_auth: Option<Rc<JwtAuth>>,
    routing_tags: Option<Rc<RoutingTags>>,
    telemetry: Option<Rc<Telemetry>>,
    fault_injection: Option<Rc<FaultInjection>>,
}

/// The filters' parts of a stream.
#[derive(Default)]
pub(crate) struct FilterStreams {
    jwt_auth: FilterStream<JwtAuth>,
    routing_tags: FilterStream<RoutingTags>,
    telemetry: FilterStream<Telemetry>,
    fault_injection: FilterStream<FaultInjection>,
}

impl Filters {
    /// The number of filters. Their positions are in the order in which a request passes them.
    pub(crate) const COUNT: usize = 4;

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
        let mut sections = Sections { setup, errors: &mut errors };
        let filters = Self {
            jwt_auth: sections.plugin("jwt-auth", config.jwt_auth.as_ref(), |config, setup| {
                JwtAuth::from_config(config, setup)
            }),
            routing_tags: sections.plugin(
                "routing-tags",
                config.routing_tags.as_ref(),
                |config, setup| RoutingTags::from_config(config, &section(setup.section), setup),
            ),
            telemetry: sections.plugin("telemetry", config.telemetry.as_ref(), |config, setup| {
                Telemetry::from_config(config, setup)
            }),
            fault_injection: sections.plugin(
                "fault-injection",
                config.fault_injection.as_ref(),
                |config, setup| FaultInjection::from_config(config, &section(setup.section), setup),
            ),
        };
        errors.finish(filters)
    }

    pub(crate) fn on_tick(&self) {
        on_tick(self.jwt_auth.as_ref());
        on_tick(self.routing_tags.as_ref());
        on_tick(self.telemetry.as_ref());
        on_tick(self.fault_injection.as_ref());
    }

    /// Passes the response to a call to all filters; each ignores the calls of others.
    pub(crate) fn on_http_call_response(&self, call: CallId, body_size: usize) {
        on_http_call_response(self.jwt_auth.as_ref(), call, body_size);
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
            1 => self.routing_tags.deliver(filters.routing_tags.as_ref(), context, event),
            2 => self.telemetry.deliver(filters.telemetry.as_ref(), context, event),
            3 => self.fault_injection.deliver(filters.fault_injection.as_ref(), context, event),
            _ => Action::Continue,
        }
    }

    /// Calls the callback for the end of the stream of every filter.
    pub(crate) fn log(&mut self, filters: &Filters, context: ContextId) {
        self.jwt_auth.log(filters.jwt_auth.as_ref(), context);
        self.routing_tags.log(filters.routing_tags.as_ref(), context);
        self.telemetry.log(filters.telemetry.as_ref(), context);
        self.fault_injection.log(filters.fault_injection.as_ref(), context);
    }
}

/// Creates plugins from sections, and collects their errors.
struct Sections<'a> {
    setup: &'a Setup,
    errors: &'a mut ConfigErrors,
}

impl Sections<'_> {
    fn plugin<C, P>(
        &mut self,
        section: &'static str,
        config: Option<&C>,
        create: impl FnOnce(&C, &Setup) -> Result<P, InvalidConfig>,
    ) -> Option<Rc<P>> {
        let setup = Setup { section, ..self.setup.clone() };
        match create(config?, &setup) {
            Ok(plugin) => Some(Rc::new(plugin)),
            Err(invalid) => {
                self.errors.extend(invalid.in_section(section));
                None
            }
        }
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
