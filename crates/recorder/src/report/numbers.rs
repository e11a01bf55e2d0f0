//! All numbers of one endpoint, as bytes that mean the same in every report of an incarnation:
//! the master keeps them as they came.

use crate::{EndpointTotals, Second};

use super::ReportError;
use super::bits::{BitReader, BitWriter};
use super::cells;

/// An endpoint has no more seconds than this; the recorder keeps far fewer.
const MOST_SECONDS: u64 = 256;

/// Nor more outcomes, or distributions, than this; the recorder keeps far fewer apart.
const MOST_PARTS: u64 = 1_000;

/// What an endpoint's bytes say.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) since: f64,
    pub(crate) responses: Vec<Response>,
    pub(crate) distributions: Vec<Distribution>,
    /// The cells of all distributions, one after the other.
    pub(crate) cells: Vec<(u16, u64)>,
    pub(crate) without_time: u64,
    pub(crate) failures: u64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) response_bytes: u64,
    pub(crate) request_bytes: u64,
    pub(crate) seconds: Vec<Second>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Response {
    /// Its number in the table of outcomes.
    pub(crate) outcome: u64,
    pub(crate) requests: u64,
    pub(crate) since: f64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Distribution {
    pub(crate) status: Option<i64>,
    pub(crate) sum: f64,
    /// Where its cells end; they begin where those of the one before end.
    pub(crate) end: usize,
}

/// Writes an endpoint's numbers; `outcomes` are its responses' numbers in their table, `since`
/// when its statistics began.
pub(crate) fn encode(endpoint: &EndpointTotals, outcomes: &[u64], since: f64, out: &mut Vec<u8>) {
    let mut bits = BitWriter::new(out);
    bits.float_near(endpoint.since, since);
    bits.small(endpoint.responses.len() as u64);
    for (response, outcome) in endpoint.responses.iter().zip(outcomes) {
        bits.small(*outcome);
        bits.number(response.requests);
        bits.float_near(response.since, endpoint.since);
    }
    bits.number(endpoint.without_time);
    bits.number(endpoint.failures);
    bits.number(endpoint.response_bytes);
    bits.number(endpoint.request_bytes);
    bits.float(endpoint.sum);
    let is_timed = (endpoint.min, endpoint.max) != (f64::INFINITY, f64::NEG_INFINITY);
    bits.flag(is_timed);
    if is_timed {
        bits.float(endpoint.min);
        bits.float(endpoint.max);
    }
    encode_seconds(&endpoint.seconds, since, &mut bits);
    bits.small(endpoint.distributions.len() as u64);
    for distribution in &endpoint.distributions {
        bits.flag(distribution.status.is_some());
        if let Some(status) = distribution.status {
            bits.signed(status);
        }
        let is_all = distribution.sum.to_bits() == endpoint.sum.to_bits();
        bits.flag(is_all);
        if !is_all {
            bits.float(distribution.sum);
        }
        bits = cells::encode(&distribution.cells.0, bits);
    }
    bits.finish();
}

impl Numbers {
    /// Reads what [`encode`] wrote, into what may hold other numbers. After an error it holds
    /// some of both.
    pub(crate) fn decode(&mut self, bytes: &[u8], since: f64) -> Result<(), ReportError> {
        let mut bits = BitReader::new(bytes);
        self.since = bits.float_near(since)?;
        self.responses.clear();
        for _ in 0..parts(&mut bits)? {
            let outcome = bits.small()?;
            let requests = bits.number()?;
            let since = bits.float_near(self.since)?;
            self.responses.push(Response { outcome, requests, since });
        }
        self.without_time = bits.number()?;
        self.failures = bits.number()?;
        self.response_bytes = bits.number()?;
        self.request_bytes = bits.number()?;
        self.sum = bits.float();
        (self.min, self.max) = if bits.flag() {
            (bits.float(), bits.float())
        } else {
            (f64::INFINITY, f64::NEG_INFINITY)
        };
        decode_seconds(&mut self.seconds, since, &mut bits)?;
        self.distributions.clear();
        self.cells.clear();
        for _ in 0..parts(&mut bits)? {
            let status = if bits.flag() { Some(bits.signed()?) } else { None };
            let sum = if bits.flag() { self.sum } else { bits.float() };
            cells::decode(&mut bits, &mut self.cells)?;
            self.distributions.push(Distribution { status, sum, end: self.cells.len() });
        }
        bits.finish()
    }

    /// As if nothing had been recorded.
    pub(crate) fn clear(&mut self) {
        self.responses.clear();
        self.distributions.clear();
        self.cells.clear();
        self.seconds.clear();
        (self.since, self.sum) = (0.0, 0.0);
        (self.min, self.max) = (f64::INFINITY, f64::NEG_INFINITY);
        (self.without_time, self.failures) = (0, 0);
        (self.response_bytes, self.request_bytes) = (0, 0);
    }
}

/// How many parts of a kind there are.
fn parts(bits: &mut BitReader<'_>) -> Result<u64, ReportError> {
    let parts = bits.small()?;
    if parts > MOST_PARTS {
        return Err(ReportError::Malformed("an endpoint's number of outcomes"));
    }
    Ok(parts)
}

fn encode_seconds(seconds: &[Second], since: f64, bits: &mut BitWriter<'_>) {
    bits.small(seconds.len() as u64);
    let Some(first) = seconds.first() else { return };
    let any_failed = seconds.iter().any(|second| second.failures > 0);
    bits.flag(any_failed);
    bits.signed(first.second.wrapping_sub(whole(since)).cast_signed());
    let mut next = first.second;
    let mut last = 16;
    for second in seconds {
        bits.small(second.second.saturating_sub(next));
        next = second.second + 1;
        bits.scaled(u64::from(second.requests), scale(last));
        last = second.requests;
        if any_failed {
            bits.small(u64::from(second.failures));
        }
    }
}

fn decode_seconds(
    seconds: &mut Vec<Second>,
    since: f64,
    bits: &mut BitReader<'_>,
) -> Result<(), ReportError> {
    const WRONG: ReportError = ReportError::Malformed("a count by second");
    seconds.clear();
    let length = bits.small()?;
    if length == 0 {
        return Ok(());
    }
    if length > MOST_SECONDS {
        return Err(WRONG);
    }
    let any_failed = bits.flag();
    let mut next = whole(since).wrapping_add(bits.signed()?.cast_unsigned());
    let mut last = 16;
    for _ in 0..length {
        let second = next.checked_add(bits.small()?).ok_or(WRONG)?;
        next = second.checked_add(1).ok_or(WRONG)?;
        let requests = bits.scaled(scale(last))?.try_into().map_err(|_| WRONG)?;
        last = requests;
        let failures = if any_failed { bits.small()? } else { 0 };
        let failures = failures.try_into().map_err(|_| WRONG)?;
        seconds.push(Second { second, requests, failures });
    }
    Ok(())
}

/// Of a rate about as great as it was the second before.
fn scale(last: u32) -> u32 {
    last.checked_ilog2().map_or(0, |log| log.saturating_sub(1))
}

/// Whole seconds; 0 of what is no time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn whole(seconds: f64) -> u64 {
    seconds as u64
}
