//! A body that encodes one part of the exposition when the connection has taken the one before.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use exposition::{CompressError, Compressor, Encoder, Families, Filter};
use http_body::{Body, Frame, SizeHint};

use crate::Served;
use crate::activity::InFlight;
use crate::places::Place;

/// Small parts are gathered into pieces of at least this many bytes. A reader that has taken all
/// sleeps, and waking it for each of many small pieces costs more than the memory of a large one.
const PIECE: usize = 1024 * 1024;

/// Text compressed into one piece at most (but for the last part of it): other connections wait
/// for it.
const TURN: usize = 512 * 1024;

/// The largest frame: what a client must take at once not to be too slow.
const FRAME: usize = 1024 * 1024;

/// The largest frame in HTTP/2, where the last frame of an answer waits for the client's window
/// after the answer itself has ended.
const HTTP2_FRAME: usize = 16 * 1024;

/// Encodes part after part.
pub(crate) struct Parts {
    families: Arc<dyn Families>,
    names: Vec<String>,
    encoder: Encoder,
    compressor: Option<Compressor>,
    next: usize,
    finished: bool,
}

impl Parts {
    /// All families, or those that `names` names if it names any.
    pub(crate) fn new(
        families: Arc<dyn Families>,
        names: Vec<String>,
        encoder: Encoder,
        compressor: Option<Compressor>,
    ) -> Self {
        Self { families, names, encoder, compressor, next: 0, finished: false }
    }

    /// The next piece of the body; only the last one may be small or empty.
    fn piece(&mut self) -> Result<Bytes, CompressError> {
        let piece = match self.compressor.take() {
            None => self.plain(),
            Some(compressor) => self.compressed(compressor)?,
        };
        Ok(piece.into())
    }

    fn plain(&mut self) -> Vec<u8> {
        while !self.finished && self.encoder.written().len() < PIECE {
            self.advance();
        }
        self.encoder.take()
    }

    fn compressed(&mut self, mut compressor: Compressor) -> Result<Vec<u8>, CompressError> {
        let mut turn = 0;
        while compressor.ready() < PIECE && (turn < TURN || compressor.ready() == 0) {
            self.advance();
            compressor.push(self.encoder.written())?;
            turn += self.encoder.written().len();
            self.encoder.clear();
            if self.finished {
                return compressor.finish();
            }
        }
        let piece = compressor.take();
        self.compressor = Some(compressor);
        Ok(piece)
    }

    /// Encodes the next part, or the end.
    fn advance(&mut self) {
        if self.next < self.families.parts() {
            self.visit();
            self.next += 1;
        } else {
            self.encoder.finish();
            self.finished = true;
        }
    }

    fn visit(&mut self) {
        if self.names.is_empty() {
            self.families.visit(self.next, &mut self.encoder);
        } else {
            let mut filter = Filter::new(&self.names, &mut self.encoder);
            self.families.visit(self.next, &mut filter);
        }
        for (reason, count) in self.encoder.rejections().iter() {
            self.families.rejected(reason, count);
        }
    }
}

/// The body of one scrape's answer.
pub(crate) struct Exposition {
    parts: Parts,
    /// Encoded, not yet handed over.
    ready: Bytes,
    /// Hears once that everything has been handed over.
    served: Option<Served>,
    /// Whether the connection has asked for more than there was. Until then an answer that has been
    /// handed over may still wait for the client.
    ended: bool,
    /// Held until the body is dropped: until then memory is held for the client.
    _place: Place,
    in_flight: Arc<InFlight>,
}

impl Exposition {
    /// Encodes the first piece.
    pub(crate) fn new(
        mut parts: Parts,
        served: Option<Served>,
        place: Place,
        in_flight: Arc<InFlight>,
    ) -> Result<Self, CompressError> {
        let ready = parts.piece()?;
        let mut body = Self { parts, ready, served, ended: false, _place: place, in_flight };
        body.ended = body.is_over();
        body.in_flight.offer();
        // Nobody asks an empty body for a frame.
        body.tell_if_over();
        Ok(body)
    }

    fn tell_if_over(&mut self) {
        if self.is_over()
            && let Some(served) = self.served.take()
        {
            served();
        }
    }

    fn frame_size(&self) -> usize {
        if self.in_flight.is_multiplexed() { HTTP2_FRAME } else { FRAME }
    }

    fn is_over(&self) -> bool {
        self.parts.finished && self.ready.is_empty()
    }
}

impl Body for Exposition {
    type Data = Bytes;
    type Error = CompressError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CompressError>>> {
        if self.ready.is_empty() && !self.parts.finished {
            match self.parts.piece() {
                Ok(piece) => self.ready = piece,
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        let size = self.ready.len().min(self.frame_size());
        let frame = self.ready.split_to(size);
        self.in_flight.offer();
        self.tell_if_over();
        self.ended = frame.is_empty();
        Poll::Ready((!frame.is_empty()).then(|| Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        if self.parts.finished {
            SizeHint::with_exact(self.ready.len() as u64)
        } else {
            SizeHint::default()
        }
    }
}
