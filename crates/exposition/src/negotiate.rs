//! What a scraper asks for, from its headers `Accept` and `Accept-Encoding` (RFC 9110, 12.5).
//!
//! An exposition is always answered with something: a header that is missing, cannot be read or
//! asks for nothing that there is gets the text format 0.0.4, or no compression.

mod encoding;
mod list;
mod media;

pub use encoding::{Compression, compression};
pub use media::{ContentType, Escaping, content_type};
