//! A reader of the text formats, written from their descriptions alone.

/// One line that is no comment.
#[derive(Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) value: f64,
}

impl Line {
    pub(crate) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// The samples of an exposition.
pub(crate) fn parse(text: &str) -> Vec<Line> {
    assert!(text.ends_with('\n'), "the last line ends too");
    let lines = text.strip_suffix('\n').unwrap().split('\n');
    lines.filter(|line| !line.starts_with("# ")).map(parse_line).collect()
}

fn parse_line(line: &str) -> Line {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    let mut labels = Vec::new();
    while !rest.starts_with(' ') {
        // At `{` or `,`.
        let (label, after) = rest[1..].split_once("=\"").unwrap();
        let (value, after) = unquote(after);
        labels.push((label.to_owned(), value));
        rest = after.strip_prefix('}').unwrap_or(after);
    }
    Line { name: name.to_owned(), labels, value: rest[1..].parse().unwrap() }
}

/// The text up to the closing quote, and what follows it.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '"' => return (value, &text[i + 1..]),
            '\\' => value.push(match chars.next().unwrap().1 {
                'n' => '\n',
                c @ ('\\' | '"') => c,
                other => panic!("escaped {other:?}"),
            }),
            c => value.push(c),
        }
    }
    panic!("no closing quote: {text}")
}
