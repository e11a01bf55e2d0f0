//! The texts of a 2.0 request, each once.

use std::hash::{BuildHasher as _, RandomState};

use exposition::wire;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// `Request.symbols`.
const SYMBOLS: u32 = 4;

/// The table of symbols. Its first is the empty text.
#[derive(Debug)]
pub(super) struct Symbols {
    /// The table as it stands in the request.
    encoded: Vec<u8>,
    /// Where in it each text lies.
    places: Vec<(usize, usize)>,
    numbers: HashTable<usize>,
    hasher: RandomState,
}

impl Symbols {
    pub(super) fn new() -> Self {
        let (encoded, places, numbers) = (Vec::new(), Vec::new(), HashTable::new());
        let mut symbols = Self { encoded, places, numbers, hasher: RandomState::new() };
        symbols.find("");
        symbols
    }

    /// Forgets all but the empty text.
    pub(super) fn clear(&mut self) {
        self.encoded.clear();
        self.places.clear();
        self.numbers.clear();
        self.find("");
    }

    /// The number of a text, which is added if it is new.
    pub(super) fn find(&mut self, text: &str) -> u64 {
        let Self { encoded, places, numbers, hasher } = self;
        let hash = hasher.hash_one(text);
        let at =
            |number: &usize| places.get(*number).and_then(|(start, end)| encoded.get(*start..*end));
        let found = numbers.entry(
            hash,
            |number| at(number) == Some(text.as_bytes()),
            |number| {
                at(number)
                    .map(std::str::from_utf8)
                    .map_or(0, |t| hasher.hash_one(t.unwrap_or_default()))
            },
        );
        match found {
            Entry::Occupied(found) => *found.get() as u64,
            Entry::Vacant(place) => {
                let number = places.len();
                place.insert(number);
                wire::string(encoded, SYMBOLS, text);
                places.push((encoded.len() - text.len(), encoded.len()));
                number as u64
            }
        }
    }

    /// Whether the text of this number is `text`.
    pub(super) fn is(&self, number: u64, text: &str) -> bool {
        let place = usize::try_from(number).ok().and_then(|number| self.places.get(number));
        place.and_then(|(start, end)| self.encoded.get(*start..*end)) == Some(text.as_bytes())
    }

    /// The table as it stands in the request.
    pub(super) fn encoded(&self) -> &[u8] {
        &self.encoded
    }
}
