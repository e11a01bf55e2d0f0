//! What a backend means that refuses samples, read off its words.

/// What a refusal of samples says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The backend has later ones already, or these very ones: they were sent before, and only the
    /// answer to that was lost.
    Had,
    /// It takes nothing that old.
    TooOld,
    /// Something else, or of each something.
    Other,
}

impl Refusal {
    /// Reads it off the text: Prometheus says it in a line for each series, Mimir and
    /// Cortex of the first, Thanos with how many samples each reason is of.
    pub(super) fn of(text: &str) -> Self {
        // A text that was cut off ends within a line, which tells nothing.
        let whole = text.rsplit_once('\n').map_or(text, |(whole, _)| whole);
        let lines = whole.lines().filter(|line| !line.trim().is_empty());
        Self::of_all(lines.map(Self::of_line))
    }

    /// What all say; of those that differ, or of none, that is something else.
    fn of_all(mut all: impl Iterator<Item = Self>) -> Self {
        let Some(first) = all.next() else { return Self::Other };
        if all.all(|other| other == first) { first } else { Self::Other }
    }

    fn of_line(line: &str) -> Self {
        let (rest, others) = unwrapped(line.trim_start());
        if others == 0 {
            return Self::of_reason(rest);
        }
        let reasons: Vec<_> = rest.split("; ").map(unwrapped).collect();
        let promised = 1 + others + reasons.iter().map(|(_, others)| others).sum::<u64>();
        // Of a text that was cut off, nobody knows what the rest would say.
        if (reasons.len() as u64) < promised {
            return Self::Other;
        }
        Self::of_all(reasons.into_iter().map(|(reason, _)| Self::of_reason(reason)))
    }

    fn of_reason(reason: &str) -> Self {
        /// How Prometheus's storage says it, which Cortex and Thanos have too. `VictoriaMetrics`
        /// takes such samples without a word.
        const HAD: [&str; 2] = ["out of order sample", "duplicate sample for timestamp"];
        /// The former where it takes samples out of order; the latter is also said of times too
        /// far in the future.
        const TOO_OLD: [&str; 2] = ["too old sample", "out of bounds"];
        /// What Mimir has behind words of its own.
        const MIMIR_HAD: [&str; 2] =
            ["(err-mimir-sample-out-of-order)", "(err-mimir-sample-duplicate-timestamp)"];
        const MIMIR_TOO_OLD: [&str; 1] = ["(err-mimir-sample-timestamp-too-old)"];
        let reason = before_labels(reason);
        let begins = |words: &[&str]| words.iter().any(|word| reason.starts_with(word));
        let has = |ids: &[&str]| ids.iter().any(|id| reason.contains(id));
        if begins(&HAD) || has(&MIMIR_HAD) {
            Self::Had
        } else if begins(&TOO_OLD) && !reason.contains("future") || has(&MIMIR_TOO_OLD) {
            Self::TooOld
        } else {
            Self::Other
        }
    }
}

/// What the parts of a backend put before the words of the one that judged: how that begins, and
/// what ends the name in it, if it has one.
const WRAPPERS: [(&str, &str); 9] = [
    // Mimir, and Cortex.
    ("send data to ingesters: ", ""),
    ("failed pushing to ingester: ", ""),
    ("failed pushing to ingester ", ": "),
    ("user=", ": "),
    ("err: ", ""),
    // Thanos. Its newer versions have colons in the name of an endpoint.
    ("forwarding request to endpoint ", "rpc error: code = AlreadyExists desc = "),
    ("rpc error: code = AlreadyExists desc = ", ""),
    ("store locally for endpoint ", ": "),
    ("add ", " samples: "),
];

/// A reason without what is put before it; and how many others that says are in the text behind
/// it, separated by `; `.
fn unwrapped(mut reason: &str) -> (&str, u64) {
    let mut others = 0;
    loop {
        let without = WRAPPERS.iter().find_map(|(begin, end)| {
            let rest = reason.strip_prefix(begin)?;
            let (name, rest) = if end.is_empty() { ("", rest) } else { rest.split_once(end)? };
            (!name.contains(QUOTES) && !name.contains(['=', ';'])).then_some((0, rest))
        });
        let Some((more, rest)) = without.or_else(|| list(reason)) else { return (reason, others) };
        others += more;
        reason = rest;
    }
}

/// What is behind `3 errors: `, and how many others there are then but the first.
fn list(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    let number: u32 = number.parse().ok()?;
    Some((u64::from(number).saturating_sub(1), rest.strip_prefix(" errors: ")?))
}

/// What values of labels stand in.
const QUOTES: [char; 4] = ['{', '"', '\'', '`'];

/// The part of a line in which there are no labels yet: their values may say anything.
fn before_labels(line: &str) -> &str {
    let mark = line.find(QUOTES).unwrap_or(line.len());
    let end = line.find("series").map_or(mark, |series| series.min(mark));
    &line[..end]
}

#[cfg(test)]
mod tests;
