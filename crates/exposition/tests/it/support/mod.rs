//! Families made by hand.

pub(crate) mod dto;
pub(crate) mod text;

use exposition::{
    Emit, Encoder, Family, Format, Label, LabelName, Labels, Meta, Options, Sample, Value, Visitor,
};

/// A family that owns its samples.
#[derive(Clone, Debug)]
pub(crate) struct Fixed {
    pub(crate) meta: Meta,
    pub(crate) samples: Vec<Owned>,
}

/// A sample that owns its labels.
#[derive(Clone, Debug)]
pub(crate) struct Owned {
    pub(crate) names: Vec<LabelName<'static>>,
    pub(crate) values: Vec<String>,
    pub(crate) value: Value<'static>,
    pub(crate) created: Option<f64>,
}

impl Fixed {
    pub(crate) fn new(meta: Meta, samples: Vec<Owned>) -> Self {
        Self { meta, samples }
    }
}

impl Owned {
    pub(crate) fn created(self, time: f64) -> Self {
        Self { created: Some(time), ..self }
    }
}

pub(crate) fn number(labels: &[(&'static str, &str)], value: f64) -> Owned {
    labelled(labels, Value::Number(value))
}

pub(crate) fn labelled(labels: &[(&'static str, &str)], value: Value<'static>) -> Owned {
    Owned {
        names: labels.iter().map(|(name, _)| LabelName::new(*name).unwrap()).collect(),
        values: labels.iter().map(|(_, value)| (*value).to_owned()).collect(),
        value,
        created: None,
    }
}

/// Lends samples to a visitor.
pub(crate) fn visit(
    visitor: &mut dyn Visitor,
    meta: &Meta,
    names: &[LabelName<'_>],
    samples: &[Sample<'_>],
) {
    let each = |emit: &mut Emit<'_>| samples.iter().for_each(&mut *emit);
    visitor.family(&Family::new(meta, names, &each));
}

pub(crate) fn visit_all(visitor: &mut dyn Visitor, families: &[Fixed]) {
    for family in families {
        // Labels that not all samples have can only be given as base labels.
        let first = family.samples.first().map_or(&[][..], |sample| &sample.names);
        let is_alike = family.samples.iter().all(|sample| sample.names == first);
        let names = if is_alike { first } else { &[] };
        let each = |emit: &mut Emit<'_>| {
            for sample in &family.samples {
                let label = |(name, value): (&LabelName<'static>, &String)| Label {
                    name: name.clone(),
                    value: value.clone().into(),
                };
                let base = sample.names.iter().zip(&sample.values).map(label).collect::<Vec<_>>();
                let values = sample.values.iter().map(String::as_str).collect::<Vec<_>>();
                let labels = if is_alike {
                    Labels { base: &[], values: &values }
                } else {
                    Labels { base: &base, values: &[] }
                };
                emit(&Sample { labels, value: sample.value, created: sample.created });
            }
        };
        visitor.family(&Family::new(&family.meta, names, &each));
    }
}

pub(crate) fn bytes(format: Format, families: &[Fixed]) -> Vec<u8> {
    let mut encoder = Encoder::new(format, Options::default());
    visit_all(&mut encoder, families);
    encoder.finish();
    encoder.take()
}

pub(crate) fn encode_with(format: Format, options: Options, families: &[Fixed]) -> String {
    let mut encoder = Encoder::new(format, options);
    visit_all(&mut encoder, families);
    encoder.finish();
    String::from_utf8(encoder.take()).unwrap()
}

pub(crate) fn encode(format: Format, families: &[Fixed]) -> String {
    encode_with(format, Options::default(), families)
}
