//! Reading spooled files, for the fuzz target.

use crate::batch::{Batch, Format};
use crate::remote_write::transcode;
use crate::spool::{HEADER, parse, sealed, written};

/// The first byte tells what is made of the rest: bits of it, as they are set.
const SEAL: u8 = 1;
const COMPRESS: u8 = 2;

/// Reads what may be a spooled file. The first byte says whether the checksums, which no fuzzer
/// finds, are made right, and whether the body is compressed.
///
/// # Panics
///
/// If a file that is read is written as another one, or if anything else is wrong.
#[expect(clippy::expect_used, reason = "a panic is what the fuzzer looks for")]
pub fn spool_file(content: &[u8]) {
    let Some((&course, content)) = content.split_first() else { return };
    let mut file = content.to_vec();
    if course & COMPRESS != 0 && file.len() > HEADER {
        let body = file.split_off(HEADER);
        file.extend(snap::raw::Encoder::new().compress_vec(&body).expect("it is small"));
    }
    if course & SEAL != 0 {
        sealed(&mut file);
    }
    let Ok(batch) = parse(file.clone()) else { return };
    let again = written(&batch).expect("it has been read");
    // Two bytes of the header are not read.
    assert_eq!((&again[..6], &again[8..32]), (&file[..6], &file[8..32]));
    assert_eq!(parse(again).expect("it was written by us"), batch);
    send(&batch);
}

/// Reads the batch as a transport does, whose receiver does not know all that is in it.
fn send(batch: &Batch) {
    if matches!(batch.format, Format::RemoteWrite1 | Format::RemoteWrite2) {
        let _ = transcode::without_native(&batch.body, batch.format);
    }
    if batch.format == Format::RemoteWrite2 {
        for takes_native in [true, false] {
            let _ = transcode::to_v1(&batch.body, takes_native);
        }
    }
    let _ = batch.points();
}
