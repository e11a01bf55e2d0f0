//! Which version of remote write is spoken.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::batch::Format;
use crate::config::{NativeHistograms, Version};

/// The version that is spoken now. The encoder and the transport share it: what the transport
/// learns of the receiver, the encoder heeds from the next pass on.
#[derive(Debug)]
pub(crate) struct Protocol {
    /// Whether the receiver may turn out not to know what is spoken at first.
    may_fall_back: bool,
    is_1: AtomicBool,
    /// The receiver has written something of a request of 2.0.
    is_known_2: AtomicBool,
    native: NativeHistograms,
    /// The receiver takes no native histograms.
    refuses_native: AtomicBool,
}

impl Protocol {
    /// What is configured: of [`Version::Auto`] 2.0 at first.
    pub(crate) fn new(version: Version, native: NativeHistograms) -> Self {
        Self {
            may_fall_back: version == Version::Auto,
            is_1: AtomicBool::new(version == Version::V1),
            is_known_2: AtomicBool::new(false),
            native,
            refuses_native: AtomicBool::new(false),
        }
    }

    /// Whether native histograms are sent in this format.
    pub(crate) fn takes_native(&self, format: Format) -> bool {
        let is_wanted = match self.native {
            NativeHistograms::Auto => format != Format::RemoteWrite1,
            NativeHistograms::Always => true,
            NativeHistograms::Never => false,
        };
        is_wanted && self.knows_native()
    }

    /// Whether the receiver has not said that it takes no native histograms.
    pub(crate) fn knows_native(&self) -> bool {
        !self.refuses_native.load(Ordering::Relaxed)
    }

    /// Sends no native histograms from now on; whether this changed anything.
    pub(crate) fn leave_native(&self) -> bool {
        !self.refuses_native.swap(true, Ordering::Relaxed)
    }

    /// How batches are to be encoded now.
    pub(crate) fn format(&self) -> Format {
        if self.is_1.load(Ordering::Relaxed) { Format::RemoteWrite1 } else { Format::RemoteWrite2 }
    }

    /// The receiver has shown that it knows 2.0.
    pub(crate) fn knows_2(&self) {
        self.is_known_2.store(true, Ordering::Relaxed);
    }

    /// Whether the receiver has shown that it knows 2.0.
    pub(crate) fn is_known_2(&self) -> bool {
        self.is_known_2.load(Ordering::Relaxed)
    }

    /// Whether 1.0 may be spoken where 2.0 is not understood.
    pub(crate) fn may_fall_back(&self) -> bool {
        self.may_fall_back
    }

    /// Speaks 1.0 from now on, if that is allowed; whether this changed anything.
    pub(crate) fn fall_back(&self) -> bool {
        self.may_fall_back && !self.is_1.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_falls_back_once_and_only_where_that_is_allowed() {
        let auto = Protocol::new(Version::Auto, NativeHistograms::Auto);
        assert_eq!(auto.format(), Format::RemoteWrite2);
        assert!(auto.takes_native(auto.format()));
        assert!(auto.fall_back());
        assert_eq!(auto.format(), Format::RemoteWrite1);
        assert!(!auto.takes_native(auto.format()));
        assert!(!auto.fall_back());

        for (version, format) in
            [(Version::V1, Format::RemoteWrite1), (Version::V2, Format::RemoteWrite2)]
        {
            let fixed = Protocol::new(version, NativeHistograms::Always);
            assert!(!fixed.fall_back());
            assert_eq!(fixed.format(), format);
            assert!(fixed.takes_native(format));
        }
    }
}
