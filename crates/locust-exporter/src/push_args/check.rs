//! Names that a label or an attribute can have.

use exposition::LabelName;

type Pairs = Vec<(String, String)>;

/// Labels beside those of a sample. `own` are the labels that have an option of their own.
///
/// # Errors
///
/// What is wrong, and the label.
pub(super) fn labels(given: &[(String, String)], own: &[(&str, &str)]) -> Result<Pairs, String> {
    let mut labels = Pairs::with_capacity(given.len());
    for (name, value) in given {
        LabelName::new(name.as_str()).map_err(|cause| cause.to_string())?;
        if let Some((_, flag)) = own.iter().find(|(own, _)| own == name) {
            return Err(format!("label {name:?} is what {flag} is for"));
        }
        if labels.iter().any(|(known, _)| known == name) {
            return Err(format!("label {name:?} is given twice"));
        }
        labels.push((name.clone(), value.clone()));
    }
    Ok(labels)
}

/// Attributes of the resource: those of `given`, then those of `inherited` that it does not have.
///
/// # Errors
///
/// What is wrong, and the attribute.
pub(super) fn attributes(given: &[(String, String)], inherited: Pairs) -> Result<Pairs, String> {
    let mut attributes = Pairs::with_capacity(given.len() + inherited.len());
    for (key, value) in given {
        let key = key.trim();
        if key.is_empty() || key.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(format!(
                "{key:?} cannot be the name of an attribute: write service.version=1"
            ));
        }
        if attributes.iter().any(|(known, _)| known == key) {
            return Err(format!("attribute {key:?} is given twice"));
        }
        attributes.push((key.to_owned(), value.clone()));
    }
    for (key, value) in inherited {
        if attributes.iter().all(|(known, _)| *known != key) {
            attributes.push((key, value));
        }
    }
    Ok(attributes)
}
