//! From points to batches.

use crate::batch::Batch;
use crate::point::Point;

/// Encodes points and cuts them into batches. It keeps its buffers from pass to pass.
pub(crate) trait Encoder: Send {
    /// Takes attributes of OTLP's resource for the passes to come.
    fn resource(&mut self, _resource: &[(&'static str, String)]) {}

    /// Takes a point, and hands over a batch that is full.
    fn point(&mut self, point: &Point<'_>, full: &mut dyn FnMut(Batch));

    /// Ends a pass: hands over what is left of it.
    fn finish(&mut self, full: &mut dyn FnMut(Batch));

    /// Whether it takes native histograms.
    fn takes_native(&self) -> bool;
}
