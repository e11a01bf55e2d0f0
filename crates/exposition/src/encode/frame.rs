//! What the lines of a family have in common, prepared once.

#![expect(clippy::inline_always, reason = "see the module `pen`")]

use super::pen::Pen;
use crate::family::{Family, Label, Labels};

/// The text around the label values of a family's samples: `name{base="x",a="`, `",b="`, `"} `.
#[derive(Debug, Default)]
pub(super) struct Frame {
    /// Goes on behind its end with bytes of no meaning, so that it can be copied in steps.
    text: Vec<u8>,
    /// Where in the text the values of the sample's own labels stand.
    places: Vec<usize>,
    end: usize,
    /// The base labels within the text, as names and values.
    base: Vec<(String, String)>,
    /// Length of the family's name, with which the text begins.
    name: usize,
    has_labels: bool,
}

impl Frame {
    /// Prepares for a family.
    pub(super) fn open(&mut self, family: &Family<'_>) {
        // The first sample says what the base is.
        self.base.clear();
        self.prepare(family);
    }

    /// Prepares for a sample of the family: mostly its base labels are those of the one before.
    #[inline(always)]
    pub(super) fn follow(&mut self, family: &Family<'_>, base: &[Label<'_>]) {
        let is_same = |(label, kept): (&Label<'_>, &(String, String))| {
            label.name.as_str() == kept.0 && *label.value == *kept.1
        };
        if base.len() != self.base.len() || !base.iter().zip(&self.base).all(is_same) {
            self.change_base(family, base);
        }
    }

    /// Writes the beginning of a line: everything before its number.
    #[inline(always)]
    pub(super) fn begin(&self, pen: &mut Pen<'_>, labels: &Labels<'_>) {
        let mut written = 0;
        for (place, value) in self.places.iter().zip(labels.values) {
            pen.put_first(place - written, &self.text[written..]);
            pen.quoted(value);
            written = *place;
        }
        pen.put_first(self.end - written, &self.text[written..]);
    }

    #[cold]
    fn change_base(&mut self, family: &Family<'_>, base: &[Label<'_>]) {
        let owned = |label: &Label<'_>| (label.name.as_str().to_owned(), (*label.value).to_owned());
        self.base.clear();
        self.base.extend(base.iter().map(owned));
        self.prepare(family);
    }

    fn prepare(&mut self, family: &Family<'_>) {
        let Self { text, places, base, .. } = self;
        places.clear();
        let mut pen = Pen::new(text, 0);
        pen.put(family.meta.name.as_str().as_bytes());
        let name = pen.at();
        let mut before = "{";
        for (name, value) in base {
            label(&mut pen, before, name);
            pen.quoted(value);
            before = "\",";
        }
        for name in family.names {
            label(&mut pen, before, name.as_str());
            places.push(pen.at());
            before = "\",";
        }
        let has_labels = before != "{";
        pen.put(if has_labels { b"\"} " } else { b" " });
        (self.end, self.name, self.has_labels) = (pen.at(), name, has_labels);
    }
}

fn label(pen: &mut Pen<'_>, before: &str, name: &str) {
    for part in [before, name, "=\""] {
        pen.put(part.as_bytes());
    }
}

/// The beginning of the lines of one series, where it has several.
#[derive(Debug, Default)]
pub(super) struct Series {
    /// `name{base="x",a="1"} `, and then what was left behind by longer ones.
    text: Vec<u8>,
    end: usize,
    name: usize,
    has_labels: bool,
}

impl Series {
    /// Takes a sample's labels; the frame has been prepared for it.
    #[inline(always)]
    pub(super) fn take(&mut self, frame: &Frame, labels: &Labels<'_>) {
        let mut pen = Pen::new(&mut self.text, 0);
        frame.begin(&mut pen, labels);
        self.end = pen.at();
        (self.name, self.has_labels) = (frame.name, frame.has_labels);
    }

    /// Begins a line of the series `name`.
    #[inline(always)]
    pub(super) fn begin(&self, pen: &mut Pen<'_>, name: [&str; 2]) {
        pen.put(name[0].as_bytes());
        pen.put(name[1].as_bytes());
        pen.put(&self.text[self.name..self.end]);
    }

    /// Begins a line of the series `name` with one more label, which is written
    /// `name="value"} `.
    #[inline(always)]
    pub(super) fn begin_with(&self, pen: &mut Pen<'_>, name: [&str; 2], extra: &str) {
        pen.put(name[0].as_bytes());
        pen.put(name[1].as_bytes());
        let (end, before) = if self.has_labels { (self.end - 2, b',') } else { (self.name, b'{') };
        pen.put(&self.text[self.name..end]);
        pen.byte(before);
        pen.put(extra.as_bytes());
    }
}
