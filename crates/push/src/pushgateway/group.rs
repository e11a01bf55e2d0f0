//! The address of a group.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use url::Url;

/// The address of the group with this key, on the Pushgateway at `base`
/// (`…/metrics/job/JOB/LABEL/VALUE…`).
///
/// A value that could not stand in a path as it is, or that somebody on the way might take for
/// something else, is written as base64, as the Pushgateway's README has it ("URL").
pub(super) fn url(base: &Url, job: &str, grouping: &[(String, String)]) -> Url {
    let mut path = format!("{}/metrics", base.path().trim_end_matches('/'));
    let labels = grouping.iter().map(|(name, value)| (&**name, &**value));
    for (name, value) in std::iter::once(("job", job)).chain(labels) {
        path.push('/');
        path.push_str(name);
        if is_plain(value) {
            path.push('/');
            path.push_str(value);
        } else {
            path.push_str("@base64/");
            path.push_str(&base64(value));
        }
    }
    let mut url = base.clone();
    url.set_path(&path);
    url
}

/// Whether a value is a segment of a path that means nothing else.
fn is_plain(value: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    !matches!(value, "" | "." | "..") && value.bytes().all(is_unreserved)
}

/// An empty text has a padding alone, since a path has no empty segments.
fn base64(value: &str) -> String {
    if value.is_empty() { "=".to_owned() } else { BASE64_URL_SAFE_NO_PAD.encode(value) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_a_path_cannot_hold_are_base64() {
        let base: Url = "http://gateway:9091/base/".parse().unwrap();
        for (job, grouping, path) in [
            ("locust", &[][..], "job/locust"),
            ("locust", &[("instance", "ci-1.example~2")], "job/locust/instance/ci-1.example~2"),
            // As the Pushgateway's README has them.
            (
                "directory_cleaner",
                &[("path", "/var/tmp")],
                "job/directory_cleaner/path@base64/L3Zhci90bXA",
            ),
            (
                "example",
                &[("first_label", ""), ("second_label", "foobar")],
                "job/example/first_label@base64/=/second_label/foobar",
            ),
            ("titan", &[("name", "Προμηθεύς")], "job/titan/name@base64/zqDPgc6_zrzOt864zrXPjc-C"),
            ("a/b", &[("x", "..")], "job@base64/YS9i/x@base64/Li4"),
            ("a b", &[("x", "100%?#")], "job@base64/YSBi/x@base64/MTAwJT8j"),
        ] {
            let grouping: Vec<_> = grouping
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()))
                .collect();
            let url = url(&base, job, &grouping);
            assert_eq!(url.as_str(), format!("http://gateway:9091/base/metrics/{path}"));
        }
    }
}
