//! A visitor that writes the Prometheus text format 0.0.4.

use std::fmt::Write;

use exposition::{Families, Family, Kind, Value, Visitor};

/// The whole exposition as text.
pub(crate) fn write(families: &dyn Families) -> String {
    let mut text = Text(String::new());
    for part in 0..families.parts() {
        families.visit(part, &mut text);
    }
    text.0
}

struct Text(String);

impl Visitor for Text {
    fn family(&mut self, family: &Family<'_>) {
        let name = family.meta.name.as_str();
        let mut samples = String::new();
        family.each(|sample| {
            let labels: Vec<_> = family.labels(sample).collect();
            match &sample.value {
                Value::Number(number) => line(&mut samples, name, &labels, None, *number),
                Value::Summary(summary) => {
                    for quantile in summary.quantiles {
                        let q = Some(("quantile", quantile.q));
                        line(&mut samples, name, &labels, q, quantile.value);
                    }
                    if let Some(sum) = summary.sum {
                        line(&mut samples, &format!("{name}_sum"), &labels, None, sum);
                    }
                    let count = summary.count as f64;
                    line(&mut samples, &format!("{name}_count"), &labels, None, count);
                }
                Value::Histogram(histogram) => {
                    let classic = histogram.classic.expect("all have classic buckets");
                    let bucket = format!("{name}_bucket");
                    let bounds = classic.bounds.iter().copied().chain([f64::INFINITY]);
                    let mut below = 0;
                    for (bound, count) in bounds.zip(classic.counts) {
                        below += count;
                        let le = Some(("le", bound));
                        line(&mut samples, &bucket, &labels, le, below as f64);
                    }
                    line(&mut samples, &format!("{name}_sum"), &labels, None, histogram.sum);
                    let count = histogram.count as f64;
                    line(&mut samples, &format!("{name}_count"), &labels, None, count);
                }
            }
        });
        if samples.is_empty() {
            return;
        }
        let kind = match family.meta.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Unknown => "untyped",
            Kind::Histogram => "histogram",
            Kind::Summary => "summary",
        };
        let help = family.meta.help.replace('\\', r"\\").replace('\n', r"\n");
        write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}").unwrap();
    }
}

fn line(
    out: &mut String,
    name: &str,
    labels: &[(&str, &str)],
    last: Option<(&str, f64)>,
    value: f64,
) {
    out.push_str(name);
    // As in `OpenMetrics`, `1.0`: a series has the same labels in all formats.
    let last = last.map(|(label, number)| match number {
        f64::INFINITY => (label, "+Inf".to_owned()),
        _ => (label, format!("{number:?}")),
    });
    let last = last.iter().map(|(label, text)| (*label, text.as_str()));
    for (index, (label, value)) in labels.iter().copied().chain(last.clone()).enumerate() {
        let value = value.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
        write!(out, r#"{}{label}="{value}""#, if index == 0 { "{" } else { "," }).unwrap();
    }
    if labels.iter().copied().chain(last).next().is_some() {
        out.push('}');
    }
    writeln!(out, " {}", number(value)).unwrap();
}

/// Rust writes the shortest decimals, and no `.0`.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}
