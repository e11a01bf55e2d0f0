//! Labels in order, and as one text that tells series apart.

/// Ends each name and each value in a key. No UTF-8 text has it.
const END: u8 = 0xff;

/// So many labels need no allocation.
const FEW: usize = 16;

/// Hands `labels` to `then` by name, without the empty ones: an empty label is an absent one.
pub(super) fn sorted<'a, R>(
    labels: impl Iterator<Item = (&'a str, &'a str)>,
    then: impl FnOnce(&[(&'a str, &'a str)]) -> R,
) -> R {
    let mut few = [("", ""); FEW];
    let mut many = Vec::new();
    let mut count = 0;
    for label in labels.filter(|(_, value)| !value.is_empty()) {
        if let Some(place) = few.get_mut(count) {
            *place = label;
        } else {
            if many.is_empty() {
                many.extend(few);
            }
            many.push(label);
        }
        count += 1;
    }
    let all = if many.is_empty() { &mut few[..count] } else { &mut many[..] };
    all.sort_unstable_by(|a, b| a.0.cmp(b.0));
    then(all)
}

/// Writes the key of sorted labels over `key`.
pub(super) fn write(key: &mut Vec<u8>, labels: &[(&str, &str)]) {
    key.clear();
    for (name, value) in labels {
        for text in [name, value] {
            key.extend_from_slice(text.as_bytes());
            key.push(END);
        }
    }
}

/// The labels of a key.
pub(super) fn read(key: &[u8]) -> Vec<(&str, &str)> {
    // Each was a text when it was written.
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    let mut texts = key.split(|byte| *byte == END).map(text);
    let labels = std::iter::from_fn(|| texts.next().zip(texts.next()));
    labels.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn labels_are_read_as_they_were_written(
            labels: std::collections::BTreeMap<String, String>,
        ) {
            let given = labels.iter().rev().map(|(name, value)| (name.as_str(), value.as_str()));
            let wanted: Vec<_> = given.clone().rev().filter(|(_, value)| !value.is_empty()).collect();
            let mut key = b"of another".to_vec();
            sorted(given, |labels| {
                assert_eq!(labels, wanted);
                write(&mut key, labels);
            });
            prop_assert_eq!(read(&key), wanted);
        }
    }

    #[test]
    fn more_labels_than_a_few_are_all_there() {
        let names: Vec<_> = (0..3 * FEW).map(|i| format!("l{i:03}")).collect();
        let labels = names.iter().rev().map(|name| (name.as_str(), "x"));
        let wanted: Vec<_> = labels.clone().rev().collect();
        sorted(labels, |labels| assert_eq!(labels, wanted));
    }
}
