//! Brings endpoints near before they are read.
//!
//! With thousands of them, whoever reads them finds little of them in a cache, and each leads to
//! its numbers over several pointers: more time would be spent waiting for one after the other
//! than reading. So those of some rows are looked at together, each step of all before the next
//! one of any: the processor then waits for all of a step at once.

use std::hint::black_box;

use crate::distribution::Distribution;
use crate::endpoint::Endpoint;

/// So many rows are brought at once: what is looked at of them must stay near until it is read.
pub(crate) const ROWS: usize = 16;

/// Bytes that a processor fetches at once.
pub(crate) const LINE: usize = 64;

/// Brings some endpoints near. It changes nothing, and what is looked at is of no use.
pub(crate) fn bring<'a>(endpoints: &(impl Iterator<Item = &'a Endpoint> + Clone)) {
    let distributions = || endpoints.clone().flat_map(Endpoint::times).map(|times| &times.cells);
    look(endpoints.clone().map(Endpoint::look));
    look(distributions().map(Distribution::look));
    look(endpoints.clone().map(Endpoint::look_further));
    look(distributions().map(Distribution::look_further));
}

/// Has them all looked at, though nobody wants to know what they say.
fn look(all: impl Iterator<Item = u64>) {
    black_box(all.fold(0, u64::wrapping_add));
}
