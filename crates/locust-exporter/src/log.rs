//! Log lines, as logfmt or JSON, with the keys that the Go exporters' lines have: `ts`, `level`,
//! `msg`, then what belongs to the message.

use std::fmt::{self, Debug, Write as _};
use std::time::{Duration, SystemTime};

use serde::Serializer as _;
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::{LogFormat, LogLevel};

/// Crates whose messages are ours; what libraries have to say is for their developers.
const OURS: [&str; 6] = ["locust_exporter", "locust_api", "outgoing", "push", "schema", "web"];

/// Begins logging to standard error; where a log has been begun before, that one stays.
pub(crate) fn init(level: LogLevel, format: LogFormat) {
    let level = match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    let filter = Targets::new().with_targets(OURS.map(|target| (target, level)));
    let layer =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).event_format(Lines(format));
    let _ = tracing_subscriber::registry().with(layer.with_filter(filter)).try_init();
}

/// Writes one line for each event.
struct Lines(LogFormat);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let ts = timestamp(SystemTime::now());
        let level = level_word(*event.metadata().level());
        let mut line = Line(vec![("ts", ts.into()), ("level", level.into())]);
        event.record(&mut line);
        let text = match self.0 {
            LogFormat::Logfmt => line.logfmt()?,
            LogFormat::Json => line.json(),
        };
        writeln!(writer, "{text}")
    }
}

/// A line's time. It is the nearest one from 1970 to 9999: humantime panics at others.
fn timestamp(now: SystemTime) -> String {
    let latest = SystemTime::UNIX_EPOCH + Duration::from_secs(253_402_300_799);
    humantime::format_rfc3339_millis(now.clamp(SystemTime::UNIX_EPOCH, latest)).to_string()
}

fn level_word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        _ => "debug",
    }
}

/// What a line says, in order.
struct Line(Vec<(&'static str, Value)>);

impl Line {
    fn put(&mut self, field: &Field, value: Value) {
        match field.name() {
            // Behind time and level, whatever order the fields come in.
            "message" => self.0.insert(2, ("msg", value)),
            name => self.0.push((name, value)),
        }
    }

    fn json(&self) -> String {
        let mut out = Vec::new();
        let fields = self.0.iter().map(|(name, value)| (name, value));
        // Writing values into memory cannot fail.
        let _ = serde_json::Serializer::new(&mut out).collect_map(fields);
        String::from_utf8(out).unwrap_or_default()
    }

    fn logfmt(&self) -> Result<String, fmt::Error> {
        let mut out = String::new();
        for (name, value) in &self.0 {
            let separator = if out.is_empty() { "" } else { " " };
            match value {
                // A text stands bare if it can; its quoted form is JSON's.
                Value::String(text) if is_bare(text) => write!(out, "{separator}{name}={text}")?,
                value => write!(out, "{separator}{name}={value}")?,
            }
        }
        Ok(out)
    }
}

/// Whether a logfmt value needs no quotes.
fn is_bare(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c > ' ' && c != '"' && c != '=' && !c.is_control())
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Line {
        Line(vec![("ts", "now".into()), ("msg", "it is \"down\"\n".into()), ("count", 3.into())])
    }

    #[test]
    fn logfmt_quotes_what_needs_quotes() {
        let text = line().logfmt().expect("text");
        assert_eq!(text, r#"ts=now msg="it is \"down\"\n" count=3"#);
    }

    #[test]
    fn a_clock_before_1970_or_after_9999_writes_the_nearest_time() {
        let epoch = SystemTime::UNIX_EPOCH;
        let late = Duration::from_hours(70_389_528);
        assert_eq!(timestamp(epoch - Duration::from_secs(1)), "1970-01-01T00:00:00.000Z");
        assert_eq!(timestamp(epoch + late), "9999-12-31T23:59:59.000Z");
    }

    #[test]
    fn json_keeps_the_order() {
        assert_eq!(line().json(), r#"{"ts":"now","msg":"it is \"down\"\n","count":3}"#);
    }
}
