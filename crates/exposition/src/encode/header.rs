//! The comments before a family's samples.

use super::pen::Pen;
use crate::family::{Kind, Meta};

pub(super) fn prometheus(pen: &mut Pen<'_>, meta: &Meta) {
    let name = meta.name.as_str();
    if !meta.help.is_empty() {
        comment(pen, "HELP", name);
        pen.help(&meta.help);
        pen.byte(b'\n');
    }
    comment(pen, "TYPE", name);
    pen.put(type_word(meta.kind, "untyped").as_bytes());
    pen.byte(b'\n');
}

pub(super) fn openmetrics(pen: &mut Pen<'_>, meta: &Meta) {
    let name = meta.openmetrics_name();
    comment(pen, "TYPE", name);
    pen.put(type_word(meta.openmetrics, "unknown").as_bytes());
    pen.byte(b'\n');
    // A counter that cannot be called one here is not called anything.
    let is_lowered = meta.kind != meta.openmetrics;
    if let Some(unit) = meta.unit_suffix(name).filter(|_| !is_lowered) {
        comment(pen, "UNIT", name);
        pen.put(unit.as_bytes());
        pen.byte(b'\n');
    }
    if !meta.help.is_empty() {
        comment(pen, "HELP", name);
        pen.quoted(&meta.help);
        pen.byte(b'\n');
    }
}

fn comment(pen: &mut Pen<'_>, what: &str, name: &str) {
    for part in ["# ", what, " ", name, " "] {
        pen.put(part.as_bytes());
    }
}

fn type_word(kind: Kind, unknown: &'static str) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Unknown => unknown,
        Kind::Histogram => "histogram",
        Kind::Summary => "summary",
    }
}
