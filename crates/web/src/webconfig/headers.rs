//! `http_server_config.headers`: five, and no others.

use std::collections::BTreeMap;

use axum::http::{HeaderName, HeaderValue, header};

use super::Problem;

/// Every header that may be set, with the values that it may have, if not any.
const ALLOWED: [(&str, HeaderName, &[&str]); 5] = [
    ("Content-Security-Policy", header::CONTENT_SECURITY_POLICY, &[]),
    ("Strict-Transport-Security", header::STRICT_TRANSPORT_SECURITY, &[]),
    ("X-Content-Type-Options", header::X_CONTENT_TYPE_OPTIONS, &["nosniff"]),
    ("X-Frame-Options", header::X_FRAME_OPTIONS, &["deny", "sameorigin"]),
    ("X-XSS-Protection", header::X_XSS_PROTECTION, &[]),
];

/// Checks names and values.
pub(super) fn build(
    headers: &BTreeMap<String, String>,
) -> Result<Vec<(HeaderName, HeaderValue)>, Problem> {
    headers.iter().map(|(name, value)| one(name, value)).collect()
}

fn one(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Problem> {
    let Some((_, header, values)) = ALLOWED.iter().find(|(allowed, ..)| *allowed == name) else {
        let allowed: Vec<&str> = ALLOWED.iter().map(|(name, ..)| *name).collect();
        return Err(Problem::from(format!(
            "http_server_config.headers: {name:?} cannot be set; one of {} can",
            allowed.join(", ")
        )));
    };
    if !values.is_empty() && !values.contains(&value) {
        return Err(Problem::from(format!(
            "http_server_config.headers: {name} cannot be {value:?}; it is {}",
            values.join(" or ")
        )));
    }
    let value = HeaderValue::from_str(value).map_err(|_| {
        format!("http_server_config.headers: {name} has characters that no header may have")
    })?;
    Ok((header.clone(), value))
}
