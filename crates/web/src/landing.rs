//! The page at `/`.

use std::fmt::Write;

use crate::Landing;

/// The page, with the server's own routes before the owner's links.
pub(crate) fn page(landing: &Landing, telemetry_path: &str, probe: bool) -> String {
    let name = escape(&landing.name);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name}</title>\n</head>\n<body>\n<h1>{name}</h1>\n<p>{}</p>\n\
         <p>Version {}</p>\n<ul>\n",
        escape(&landing.description),
        escape(&landing.version),
    );
    let own = [(telemetry_path, "Metrics"), ("/-/healthy", "Health"), ("/-/ready", "Readiness")];
    let probe = probe.then_some(("/probe", "Probe"));
    let given = landing.links.iter().map(|(address, text)| (address.as_str(), text.as_str()));
    for (address, text) in own.into_iter().chain(probe).chain(given) {
        // Writing to a String does not fail.
        let _ = writeln!(page, "<li><a href=\"{}\">{}</a></li>", escape(address), escape(text));
    }
    page.push_str("</ul>\n</body>\n</html>\n");
    page
}

/// Makes a text fit to stand in HTML, in attributes too.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_owner_says_cannot_break_out_of_the_page() {
        let landing = Landing {
            name: "<script>".into(),
            description: "a & b".into(),
            version: "1\"2".into(),
            links: vec![("/x?'\"".into(), "<b>".into())],
        };
        let page = page(&landing, "/metrics", false);
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        assert!(page.contains("<a href=\"/x?&#39;&quot;\">&lt;b&gt;</a>"), "{page}");
        assert!(page.contains("a &amp; b"));
        assert!(!page.contains("/probe"));
    }
}
