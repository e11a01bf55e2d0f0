//! From points to `ExportMetricsServiceRequest`s.

mod data;
mod exponential;
mod unit;

use exposition::negotiate::Compression;
use exposition::wire::{self, Open};
use exposition::{CompressError, Compressor};

use self::data::Data;
use self::exponential::Exponential;
use crate::batch::{Batch, Format};
use crate::config::{Histograms, Identity, Otlp};
use crate::encoder::Encoder;
use crate::point::{Millis, Point};

/// Bytes of metrics with which a batch is full, before compression. Collectors take messages of
/// 4 MiB by gRPC unless told otherwise, and what is compressed counts as what it will be.
const FULL_BYTES: usize = 1 << 20;

/// Points with which a batch is full.
const FULL_POINTS: u32 = 10_000;

/// Encodes points as OTLP.
#[derive(Debug)]
pub(crate) struct OtlpEncoder {
    histograms: Histograms,
    gzip: bool,
    /// Attributes of the resource that are always there.
    attributes: Vec<(String, String)>,
    /// The field `resource` of `ResourceMetrics`.
    resource: Vec<u8>,
    /// The field `scope` of `ScopeMetrics`.
    scope: Vec<u8>,
    /// The fields `metrics` of `ScopeMetrics`: what the next batch has so far.
    metrics: Vec<u8>,
    points: u32,
    /// Of the last point.
    time: Millis,
    /// The metric to which points are being added.
    open: Option<Metric>,
    exponential: Exponential,
}

/// A metric whose points are being written.
#[derive(Debug)]
struct Metric {
    /// The name of its family.
    family: Box<str>,
    data: Data,
    /// The message `Metric`, and in it the one that holds the points.
    messages: (Open, Open),
}

impl OtlpEncoder {
    /// An encoder for a receiver of OTLP, that tells it who speaks.
    pub(crate) fn new(otlp: &Otlp, identity: &Identity) -> Self {
        let mut attributes = otlp.resource.clone();
        let own = [("service.name", &identity.job), ("service.instance.id", &identity.instance)];
        for (key, value) in own {
            if !attributes.iter().any(|(given, _)| given == key) {
                attributes.push((key.to_owned(), value.clone()));
            }
        }
        let mut scope = Vec::new();
        wire::message(&mut scope, 1, |out| {
            wire::string(out, 1, identity.program.0);
            wire::string(out, 2, identity.program.1);
        });
        Self {
            histograms: otlp.histograms,
            gzip: otlp.gzip,
            resource: resource(&attributes, &[]),
            attributes,
            scope,
            metrics: Vec::new(),
            points: 0,
            time: 0,
            open: None,
            exponential: Exponential::default(),
        }
    }

    /// Begins the metric of a point, unless it is the one that is open.
    fn open(&mut self, point: &Point<'_>, data: Data) {
        let family = point.meta.name.as_str();
        if self.open.as_ref().is_some_and(|open| open.data == data && *open.family == *family) {
            return;
        }
        self.close();
        let out = &mut self.metrics;
        let metric = wire::open_field(out, 2);
        wire::string(out, 1, family);
        if !point.meta.help.is_empty() {
            wire::string(out, 2, &point.meta.help);
        }
        if let Some(unit) = point.meta.unit {
            wire::string(out, 3, unit::ucum(unit));
        }
        let points = wire::open_field(out, data.field());
        self.open = Some(Metric { family: family.into(), data, messages: (metric, points) });
    }

    /// Ends the metric that is open.
    fn close(&mut self) {
        if let Some(Metric { data, messages: (metric, points), .. }) = self.open.take() {
            data.close(&mut self.metrics);
            wire::close(&mut self.metrics, points);
            wire::close(&mut self.metrics, metric);
        }
    }

    /// Hands over what there is.
    fn cut(&mut self, full: &mut dyn FnMut(Batch)) {
        self.close();
        if self.points == 0 {
            return;
        }
        let head = self.head();
        let written = if self.gzip { Compression::Gzip } else { Compression::Identity };
        let (format, body) = match compressed(written, &[&head, &self.metrics]) {
            Ok(body) if self.gzip => (Format::OtlpGzip, body),
            Ok(body) => (Format::Otlp, body),
            // There was no memory to compress: then as it is, rather than not at all.
            Err(_) => (Format::Otlp, [&*head, &*self.metrics].concat()),
        };
        let (time, samples) = (self.time, self.points);
        self.metrics.clear();
        self.points = 0;
        full(Batch { format, time, samples, histograms: 0, body: body.into() });
    }

    /// What comes before the metrics: the request, `ResourceMetrics` and `ScopeMetrics`, whose
    /// lengths include them.
    fn head(&self) -> Vec<u8> {
        let mut scope_metrics = Vec::new();
        wire::prefix(&mut scope_metrics, 2, self.scope.len() + self.metrics.len());
        let inner = [&*self.resource, &*scope_metrics, &*self.scope].concat();
        let mut head = Vec::new();
        wire::prefix(&mut head, 1, inner.len() + self.metrics.len());
        head.extend(inner);
        head
    }
}

impl Encoder for OtlpEncoder {
    fn resource(&mut self, attributes: &[(&'static str, String)]) {
        self.resource = resource(&self.attributes, attributes);
    }

    fn point(&mut self, point: &Point<'_>, full: &mut dyn FnMut(Batch)) {
        let data = Data::of(point, self.histograms);
        self.open(point, data);
        data::write(&mut self.metrics, data, point, &mut self.exponential);
        self.points += 1;
        self.time = point.time;
        if self.metrics.len() >= FULL_BYTES || self.points >= FULL_POINTS {
            self.cut(full);
        }
    }

    fn finish(&mut self, full: &mut dyn FnMut(Batch)) {
        self.cut(full);
    }

    fn takes_native(&self) -> bool {
        self.histograms == Histograms::Exponential
    }
}

/// The field `resource` of `ResourceMetrics`. What is always there wins.
fn resource(always: &[(String, String)], now: &[(&'static str, String)]) -> Vec<u8> {
    let mut field = Vec::new();
    wire::message(&mut field, 1, |out| {
        for (key, value) in always {
            data::attribute(out, 1, key, value);
        }
        for (key, value) in now {
            if !always.iter().any(|(given, _)| given == key) {
                data::attribute(out, 1, key, value);
            }
        }
    });
    field
}

fn compressed(compression: Compression, parts: &[&[u8]]) -> Result<Vec<u8>, CompressError> {
    let mut compressor = Compressor::new(compression)?;
    for part in parts {
        compressor.push(part)?;
    }
    compressor.finish()
}

#[cfg(test)]
mod tests;
