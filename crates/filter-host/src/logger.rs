//! Logging to the proxy's log.

use filter_core::{OneLine, is_printable};
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::hostcalls;

struct ProxyLog;

static LOGGER: ProxyLog = ProxyLog;

/// Sends `log` records and panics to the proxy.
///
/// The proxy's level is read for each record, so a change at run time takes effect at once, and a
/// disabled record costs one call and no formatting.
pub fn install() {
    if log::set_logger(&LOGGER).is_ok() {
        log::set_max_level(LevelFilter::Trace);
        std::panic::set_hook(Box::new(|panic| {
            write(CRITICAL, &panic.to_string());
        }));
    }
}

const CRITICAL: u32 = 5;

fn number(level: Level) -> u32 {
    match level {
        Level::Trace => 0,
        Level::Debug => 1,
        Level::Info => 2,
        Level::Warn => 3,
        Level::Error => 4,
    }
}

/// Writes a line with line breaks and invisible characters escaped.
fn write(level: u32, line: &str) {
    let _ = if is_printable(line) {
        hostcalls::log(level, line.as_bytes())
    } else {
        hostcalls::log(level, OneLine(line).to_string().as_bytes())
    };
}

impl Log for ProxyLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        hostcalls::log_level().is_ok_and(|least| number(metadata.level()) >= least)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            write(number(record.level()), &record.args().to_string());
        }
    }

    fn flush(&self) {}
}
