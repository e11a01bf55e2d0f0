//! Of which series a value consists, remembered.

use std::sync::Arc;

use exposition::Value;

use crate::point::Shape;

/// So many forms of one family are shared by its series; beyond, none is.
const MOST_SHARED: usize = 16;

/// A [`Shape`] of one's own.
#[derive(Debug, PartialEq)]
pub(super) enum Form {
    Number,
    Summary { quantiles: Box<[f64]>, has_sum: bool },
    Histogram { bounds: Option<Box<[f64]>>, is_native: bool },
}

impl Form {
    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Number(_) => Self::Number,
            Value::Summary(summary) => Self::Summary {
                quantiles: summary.quantiles.iter().map(|quantile| quantile.q).collect(),
                has_sum: summary.sum.is_some(),
            },
            Value::Histogram(histogram) => Self::Histogram {
                bounds: histogram.classic.map(|classic| classic.bounds.into()),
                is_native: histogram.native.is_some(),
            },
        }
    }

    /// Whether `value` is of this form.
    pub(super) fn is_of(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Number, Value::Number(_)) => true,
            (Self::Summary { quantiles, has_sum }, Value::Summary(summary)) => {
                *has_sum == summary.sum.is_some()
                    && quantiles.iter().eq(summary.quantiles.iter().map(|quantile| &quantile.q))
            }
            (Self::Histogram { bounds, is_native }, Value::Histogram(histogram)) => {
                *is_native == histogram.native.is_some()
                    && bounds.as_deref() == histogram.classic.map(|classic| classic.bounds)
            }
            _ => false,
        }
    }

    /// The form, lent.
    pub(super) fn shape(&self) -> Shape<'_> {
        match self {
            Self::Number => Shape::Number,
            Self::Summary { quantiles, has_sum } => Shape::Summary { quantiles, has_sum: *has_sum },
            Self::Histogram { bounds, is_native } => {
                Shape::Histogram { bounds: bounds.as_deref(), is_native: *is_native }
            }
        }
    }
}

/// The forms of a family's series: mostly one.
#[derive(Debug, Default)]
pub(super) struct Forms(Vec<Arc<Form>>);

impl Forms {
    /// The form of `value`.
    pub(super) fn find(&mut self, value: &Value<'_>) -> Arc<Form> {
        if let Some(form) = self.0.iter().find(|form| form.is_of(value)) {
            return Arc::clone(form);
        }
        let form = Arc::new(Form::of(value));
        if self.0.len() >= MOST_SHARED {
            self.0.retain(|form| Arc::strong_count(form) > 1);
        }
        if self.0.len() < MOST_SHARED {
            self.0.push(Arc::clone(&form));
        }
        form
    }
}
