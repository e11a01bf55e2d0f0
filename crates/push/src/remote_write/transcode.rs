//! From a request of 2.0 to one that the receiver understands, when it turns out not to know 2.0,
//! or no native histograms, and batches for it are waiting already.

use std::collections::HashSet;

use bytes::Bytes;
use exposition::wire;

use super::dialect;
use crate::batch::Format;
use crate::fields::{Damaged, Field, Fields, varint};

/// So many bytes a request of 2.0 may have before compression: far more than the encoder makes.
const MOST: usize = 16 << 20;

/// So many bytes the labels may have in 1.0, where each reference is a whole text again.
const MOST_WRITTEN: usize = 64 << 20;

/// Kinds in the enum `MetricType` whose series have other names than their family.
const HISTOGRAM: u64 = 3;
const SUMMARY: u64 = 5;

/// Why a request cannot be had in 1.0.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TranscodeError {
    /// It is not compressed as it should be.
    #[error("the request is no snappy block: {0}")]
    Snappy(#[from] snap::Error),
    /// It is larger than any that was encoded here.
    #[error(
        "the request is too large: uncompressed more than {MOST} bytes, or {MOST_WRITTEN} in 1.0"
    )]
    TooLarge,
    /// It is no request of 2.0.
    #[error("the request is no message of remote write 2.0")]
    Damaged,
}

impl From<Damaged> for TranscodeError {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

/// Makes of a compressed `io.prometheus.write.v2.Request` a compressed `prometheus.WriteRequest`
/// that says the same, but for start times, for which 1.0 has no place, and for exemplars, which
/// the encoder does not write; and for native histograms, unless the receiver `takes_native` ones.
///
/// # Errors
///
/// [`TranscodeError`] if the request is not what the encoder makes.
pub(crate) fn to_v1(body: &[u8], takes_native: bool) -> Result<Bytes, TranscodeError> {
    rewritten(body, |request| transcode(request, takes_native))
}

/// Makes of a compressed request one of the same version without native histograms. Texts that
/// nothing refers to any more stay.
///
/// # Errors
///
/// [`TranscodeError`] if the request is not what the encoder makes.
pub(crate) fn without_native(body: &[u8], format: Format) -> Result<Bytes, TranscodeError> {
    let (all_series, histograms) = if format == Format::RemoteWrite1 { (1, 4) } else { (5, 3) };
    rewritten(body, |request| {
        let mut out = Vec::with_capacity(request.len());
        for field in Fields::of(request) {
            let (number, Field::Bytes(message)) = field? else { continue };
            if number == all_series && has(message, histograms)? {
                continue;
            }
            wire::bytes(&mut out, u32::try_from(number).map_err(|_| Damaged)?, message);
        }
        Ok(out)
    })
}

fn rewritten(
    body: &[u8],
    rewrite: impl FnOnce(&[u8]) -> Result<Vec<u8>, TranscodeError>,
) -> Result<Bytes, TranscodeError> {
    if snap::raw::decompress_len(body)? > MOST {
        return Err(TranscodeError::TooLarge);
    }
    let request = snap::raw::Decoder::new().decompress_vec(body)?;
    Ok(snap::raw::Encoder::new().compress_vec(&rewrite(&request)?)?.into())
}

fn transcode(request: &[u8], takes_native: bool) -> Result<Vec<u8>, TranscodeError> {
    let mut texts = Vec::new();
    for field in Fields::of(request) {
        if let (4, Field::Bytes(text)) = field? {
            texts.push(std::str::from_utf8(text).map_err(|_| Damaged)?);
        }
    }
    let symbols = Symbols(texts);
    let mut out = Vec::with_capacity(2 * request.len());
    let mut metadata = Metadata::default();
    for field in Fields::of(request) {
        if let (5, Field::Bytes(message)) = field? {
            if !takes_native && has(message, 3)? {
                continue;
            }
            let mut written = Ok(None);
            wire::message(&mut out, 1, |out| written = series(out, message, &symbols));
            if let Some((name, about)) = written? {
                metadata.tell(name, about, &symbols)?;
            }
        }
    }
    out.extend_from_slice(&metadata.encoded);
    Ok(out)
}

/// Whether a message has a field of this number.
fn has(message: &[u8], number: u64) -> Result<bool, Damaged> {
    for field in Fields::of(message) {
        if field?.0 == number {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes the content of a series; answers its family's name, and the metadata.
fn series<'a, 'm>(
    out: &mut Vec<u8>,
    message: &'m [u8],
    symbols: &Symbols<'a>,
) -> Result<Option<(&'a str, &'m [u8])>, TranscodeError> {
    let (mut labels, mut about, mut is_native) = (Labels::default(), None, false);
    for field in Fields::of(message) {
        match field? {
            (1, Field::Bytes(references)) => labels.write(out, references, symbols)?,
            (2, Field::Bytes(sample)) => copy(out, 2, sample, 2)?,
            (3, Field::Bytes(histogram)) => {
                is_native = true;
                copy(out, 4, histogram, 16)?;
            }
            (5, Field::Bytes(metadata)) => about = Some(metadata),
            _ => {}
        }
    }
    let Some(about) = about else { return Ok(None) };
    let name = match number(about, 1)? {
        HISTOGRAM if !is_native => without_suffix(labels.name),
        SUMMARY if !labels.has_quantile => without_suffix(labels.name),
        _ => labels.name,
    };
    Ok(Some((name, about)))
}

/// The texts of a request.
struct Symbols<'a>(Vec<&'a str>);

impl<'a> Symbols<'a> {
    fn get(&self, number: u64) -> Result<&'a str, Damaged> {
        let number = usize::try_from(number).map_err(|_| Damaged)?;
        self.0.get(number).copied().ok_or(Damaged)
    }
}

/// What the labels of a series tell of its family.
#[derive(Default)]
struct Labels<'a> {
    name: &'a str,
    has_quantile: bool,
}

impl<'a> Labels<'a> {
    /// Writes the labels that are referred to.
    fn write(
        &mut self,
        out: &mut Vec<u8>,
        mut references: &[u8],
        symbols: &Symbols<'a>,
    ) -> Result<(), TranscodeError> {
        while !references.is_empty() {
            let mut text = || symbols.get(varint(&mut references).ok_or(Damaged)?);
            let (name, value) = (text()?, text()?);
            if out.len() + name.len() + value.len() > MOST_WRITTEN {
                return Err(TranscodeError::TooLarge);
            }
            match name {
                "__name__" => self.name = value,
                "quantile" => self.has_quantile = true,
                _ => {}
            }
            dialect::label(out, name, value);
        }
        Ok(())
    }
}

/// What is told of families, each once.
#[derive(Default)]
struct Metadata<'a> {
    encoded: Vec<u8>,
    told: HashSet<&'a str>,
    last: &'a str,
}

impl<'a> Metadata<'a> {
    fn tell(
        &mut self,
        family: &'a str,
        about: &[u8],
        symbols: &Symbols<'a>,
    ) -> Result<(), TranscodeError> {
        // Series of one family mostly stand together.
        if family == self.last || !self.told.insert(family) {
            return Ok(());
        }
        self.last = family;
        let [help, unit] = [symbols.get(number(about, 3)?)?, symbols.get(number(about, 4)?)?];
        if self.encoded.len() + help.len() + unit.len() > MOST_WRITTEN {
            return Err(TranscodeError::TooLarge);
        }
        dialect::metadata(&mut self.encoded, number(about, 1)?, family, help, unit);
        Ok(())
    }
}

/// The name of the family of a series that is one of several.
fn without_suffix(name: &str) -> &str {
    let suffixes = ["_bucket", "_sum", "_count"];
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

/// The last number of this field; 0 if there is none.
fn number(message: &[u8], wanted: u64) -> Result<u64, Damaged> {
    let mut found = 0;
    for field in Fields::of(message) {
        if let (field, Field::Varint(value)) = field?
            && field == wanted
        {
            found = value;
        }
    }
    Ok(found)
}

/// Writes a message as it is, but for fields beyond `last`.
fn copy(out: &mut Vec<u8>, field: u32, message: &[u8], last: u64) -> Result<(), Damaged> {
    let mut kept = Ok(());
    wire::message(out, field, |out| {
        let mut fields = Fields::of(message);
        let mut rest = message;
        while let Some(field) = fields.next() {
            let Ok((number, _)) = field else {
                kept = Err(Damaged);
                return;
            };
            if number <= last {
                out.extend_from_slice(&rest[..rest.len() - fields.rest().len()]);
            }
            rest = fields.rest();
        }
    });
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn damaged_requests_are_errors(bytes: Vec<u8>) {
            // It must not panic; that most are refused is not of interest.
            let _ = to_v1(&bytes, true);
            let _ = transcode(&bytes, true);
        }
    }

    fn request(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out);
        out
    }

    #[test]
    fn a_reference_to_no_symbol_is_refused() {
        let request = request(|out| {
            wire::string(out, 4, "");
            wire::message(out, 5, |out| wire::bytes(out, 1, &[0, 1]));
        });
        assert!(matches!(transcode(&request, true), Err(TranscodeError::Damaged)));
    }

    #[test]
    fn a_bomb_is_refused_before_it_goes_off() {
        // The length alone, of a block without content.
        let mut body = Vec::new();
        wire::varint(&mut body, MOST as u64 + 1);
        assert!(matches!(to_v1(&body, true), Err(TranscodeError::TooLarge)));

        let request = request(|out| {
            wire::string(out, 4, &"x".repeat(1 << 20));
            wire::message(out, 5, |out| wire::bytes(out, 1, &[0; 1_000]));
        });
        assert!(matches!(transcode(&request, true), Err(TranscodeError::TooLarge)));
    }
}
