//! A peer may send anything, in any pieces: the server neither panics nor hangs, answers HTTP/1
//! with HTTP/1, and does not obey a peer that may not end or reload it.
//!
//! The first byte says how the peer connects (bits: HTTP/2, basic authentication, this machine).
//! Then come the pieces, each after a byte with its length; 0 stands for all that is left.

#![no_main]

use libfuzzer_sys::fuzz_target;
use web::fuzzing::{Peer, converse};

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let is_set = |bit: u8| mode & (1 << bit) != 0;
    let peer = Peer { http2: is_set(0), users: is_set(1), local: is_set(2) };
    let answer = converse(peer, &pieces(rest));
    assert!(peer.http2 || answer.is_empty() || answer.starts_with(b"HTTP/1."));
});

fn pieces(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some((&length, after)) = rest.split_first() {
        let length = if length == 0 { after.len() } else { after.len().min(length.into()) };
        let (piece, left) = after.split_at(length);
        pieces.push(piece);
        rest = left;
    }
    pieces
}
