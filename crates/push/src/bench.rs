//! Encoding without sending, so that it can be measured from outside. No part of the interface.

use std::sync::Arc;

use exposition::Families;

use crate::batch::Batch;
use crate::config::{Identity, Otlp, RemoteWrite};
use crate::encoder::Encoder;
use crate::otlp::encode::OtlpEncoder;
use crate::point::{Point, Points};
use crate::remote_write::encoder::RemoteWriteEncoder;
use crate::remote_write::protocol::Protocol;
use crate::timeline::Timeline;

/// A timeline, and an encoder behind it.
pub struct Encoding {
    timeline: Timeline,
    encoder: Option<Box<dyn Encoder>>,
}

impl Encoding {
    /// A timeline alone.
    pub fn none() -> Self {
        Self { timeline: Timeline::default(), encoder: None }
    }

    /// Encodes for a receiver of remote write.
    pub fn remote_write(config: &RemoteWrite, identity: &Identity) -> Self {
        let protocol = Arc::new(Protocol::new(config.version, config.native_histograms));
        let encoder = RemoteWriteEncoder::new(config, identity, protocol);
        Self { encoder: Some(Box::new(encoder)), ..Self::none() }
    }

    /// Encodes for a receiver of OTLP.
    pub fn otlp(config: &Otlp, identity: &Identity) -> Self {
        let encoder = OtlpEncoder::new(config, identity);
        Self { encoder: Some(Box::new(encoder)), ..Self::none() }
    }

    /// Encodes a pass of a time in milliseconds since 1970, and hands over what would be sent: the
    /// points in a request, and its body.
    pub fn pass(&mut self, families: &dyn Families, time: i64, full: &mut dyn FnMut(u64, &[u8])) {
        let mut full = |batch: Batch| full(batch.points(), &batch.body);
        let mut out = Out { encoder: &mut self.encoder, full: &mut full };
        self.timeline.pass(families, time, &mut out);
        if let Some(encoder) = &mut self.encoder {
            encoder.finish(&mut full);
        }
    }
}

struct Out<'a> {
    encoder: &'a mut Option<Box<dyn Encoder>>,
    full: &'a mut dyn FnMut(Batch),
}

impl Points for Out<'_> {
    fn point(&mut self, point: &Point<'_>) {
        if let Some(encoder) = self.encoder {
            encoder.point(point, self.full);
        }
    }
}
