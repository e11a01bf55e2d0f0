//! What is pushed.

use std::borrow::Cow;
use std::cell::Cell;

use bytes::Bytes;
use exposition::{
    Emit, Encoder, Families, Family, Format, Label, LabelName, Labels, Options, Sample, Visitor,
};

/// What is pushed.
pub(super) struct Body {
    bytes: Bytes,
    points: u64,
}

impl Body {
    /// Encodes families for a group whose key has labels of these names.
    pub(super) fn of(families: &dyn Families, key: &[String]) -> Self {
        let mut encoder = Encoder::new(Format::Protobuf, Options::default());
        let mut points = 0;
        for part in 0..families.parts() {
            let mut member = Member { encoder: &mut encoder, key, points: 0 };
            families.visit(part, &mut member);
            points += member.points;
            for (reason, count) in encoder.rejections().iter() {
                families.rejected(reason, count);
                points = points.saturating_sub(count);
            }
        }
        encoder.finish();
        Self { bytes: encoder.take().into(), points }
    }

    pub(super) fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// How many samples are in it.
    pub(super) fn points(&self) -> u64 {
        self.points
    }
}

/// Encodes families as a group's.
///
/// The Pushgateway writes the grouping key's labels over those of the same name that samples have.
/// What these said would be lost, and a push in which two samples become the same that way is
/// refused as a whole. So they are called `exported_…`, as Prometheus does when it scrapes a target
/// (its `honor_labels: false`).
struct Member<'a> {
    encoder: &'a mut Encoder,
    key: &'a [String],
    points: u64,
}

impl Visitor for Member<'_> {
    fn family(&mut self, family: &Family<'_>) {
        let is_of_key = |name: &LabelName<'_>| self.key.iter().any(|taken| taken == name.as_str());
        let names = renamed(family.names, is_of_key);
        let points = Cell::new(0);
        let samples = |emit: &mut Emit<'_>| {
            family.each(|sample| {
                points.set(points.get() + 1);
                let is_taken = |name: &LabelName<'_>| is_of_key(name) || names.contains(name);
                let base = rebased(sample.labels.base, is_taken);
                let labels = Labels { base: &base, values: sample.labels.values };
                emit(&Sample { labels, ..*sample });
            });
        };
        self.encoder.family(&Family::new(family.meta, &names, &samples));
        self.points += points.get();
    }
}

fn rebased<'n, 'a>(
    base: &'n [Label<'a>],
    avoid: impl Fn(&LabelName<'_>) -> bool,
) -> Cow<'n, [Label<'a>]> {
    if !base.iter().any(|label| avoid(&label.name)) {
        return Cow::Borrowed(base);
    }
    let old: Vec<_> = base.iter().map(|label| label.name.clone()).collect();
    let new = renamed(&old, avoid).into_owned();
    let labels = new.into_iter().zip(base);
    labels.map(|(name, label)| Label { name, value: label.value.clone() }).collect()
}

/// Names of which none is to be avoided, nor stands twice.
fn renamed<'n, 'a>(
    names: &'n [LabelName<'a>],
    avoid: impl Fn(&LabelName<'_>) -> bool,
) -> Cow<'n, [LabelName<'a>]> {
    if !names.iter().any(&avoid) {
        return Cow::Borrowed(names);
    }
    let exported = |name: &LabelName<'a>| {
        let mut name = name.clone();
        let mut is_wanting = avoid(&name);
        while is_wanting {
            // It was valid, and is with these letters before it.
            let Ok(longer) = LabelName::new(format!("exported_{}", name.as_str())) else { break };
            is_wanting = avoid(&longer) || names.contains(&longer);
            name = longer;
        }
        name
    };
    names.iter().map(exported).collect()
}
