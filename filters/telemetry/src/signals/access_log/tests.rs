use filter_core::{Headers, Request, parse_config};
use serde_json::json;

use super::*;
use crate::{
    Config,
    expression::{AttributeTable, Value, tests::stream},
    stream::record::{Ending, Record},
};

mod invalid;
mod lines;
mod rate_limits;
mod selection;

fn compiled(entry: &str) -> Result<(Option<AccessLog>, AttributeTable), String> {
    let document = format!(
        r#"{{"accessLogging": {entry}, "extensionProviders": [
            {{"name": "other", "opentelemetry": {{"cluster": "a"}}}},
            {{"name": "otel", "opentelemetry": {{"cluster": "b"}}}}
        ]}}"#
    );
    let config: Config = parse_config(document.as_bytes()).map_err(|error| error.to_string())?;
    let mut compiler = Compiler::default();
    let exporters = Exporters::compile(&config, &|_| None, &mut compiler);
    let context =
        CompileContext { exporters: &exporters, has_operations: entry.contains("operation") };
    let entries = config.access_logging.unwrap_or_default().0;
    let log = AccessLog::compile_all(&entries, &context, &mut compiler).pop();
    let found = (log, compiler.reads);
    compiler.errors.finish(found).map_err(|error| error.to_string())
}

fn log(document: &str) -> (AccessLog, AttributeTable) {
    let (log, reads) = compiled(document).unwrap();
    (log.unwrap(), reads)
}

fn record() -> Record {
    Record {
        status: Some(200),
        duration: Duration::from_micros(12_900),
        request_bytes: 3,
        response_bytes: 5,
        ending: Ending::default(),
        ..Record::default()
    }
}

/// Returns the line of a stream.
fn written(document: &str, record: &Record, values: &[(&str, Value)]) -> String {
    let (log, reads) = log(document);
    let attributes = stream(&reads, values);
    let request = Request { headers: Headers::default(), ..Request::default() };
    let ended = LoggedStream {
        ended: CompletedStream { record, attributes: &attributes, request: &request },
        is_error: false,
    };
    line(&log.fields(&ended, &Redactor::new(b"0123456789abcdef").unwrap()))
}
