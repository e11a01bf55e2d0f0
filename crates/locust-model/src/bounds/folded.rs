//! Rows that cannot keep their own names, put together.

use std::collections::HashSet;

use crate::{Folded, OTHER, Text};

/// Kinds of request that keep their own folded row; those of the others are folded under
/// [`OTHER`] too, since even methods are free text.
const MOST_METHODS: usize = 32;

/// A row that can be added to another.
pub trait Foldable: Sized {
    /// What tells it from the other rows.
    fn key(&self) -> [Option<&Text>; 3];

    /// What its kind of request is called, if it has one.
    fn method(&self) -> Option<&Text>;

    /// Gives up its own name.
    fn become_other(&mut self, method: Option<Text>);

    /// Adds another row.
    fn absorb(&mut self, other: Self);

    /// Where rows of its kind are counted that lost their own names.
    fn count(folded: &mut Folded) -> &mut u64;
}

/// The methods that keep their own folded rows: the first few.
#[derive(Debug, Default)]
pub struct FoldedMethods(HashSet<Text>);

impl FoldedMethods {
    /// The method itself, or [`OTHER`] where there are too many.
    pub fn keep(&mut self, method: &str) -> Text {
        if let Some(known) = self.0.get(method) {
            return Text::clone(known);
        }
        if self.0.len() >= MOST_METHODS {
            return OTHER.into();
        }
        let method = Text::from(method);
        self.0.insert(Text::clone(&method));
        method
    }
}

/// Rows named [`OTHER`], one for each method: however many rows are added, they take no more memory.
#[derive(Debug)]
pub struct FoldedRows<T> {
    rows: Vec<T>,
    methods: FoldedMethods,
}

impl<T> Default for FoldedRows<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), methods: FoldedMethods::default() }
    }
}

impl<T: Foldable> FoldedRows<T> {
    /// Adds a row to that of its method.
    pub fn add(&mut self, mut row: T) {
        // Nearly always there is one: there may be a million rows, of a few methods.
        if let Some(known) = self.row_of(row.method()) {
            return known.absorb(row);
        }
        let method = row.method().map(|method| self.methods.keep(method));
        if let Some(known) = self.row_of(method.as_ref()) {
            return known.absorb(row);
        }
        row.become_other(method);
        self.rows.push(row);
    }

    fn row_of(&mut self, method: Option<&Text>) -> Option<&mut T> {
        self.rows.iter_mut().find(|known| known.method() == method)
    }

    /// The rows.
    pub fn into_rows(self) -> Vec<T> {
        self.rows
    }
}
