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
        match unwrapped(line.trim_start()) {
            (list, true) => {
                Self::of_all(list.split("; ").map(|one| Self::of_reason(unwrapped(one).0)))
            }
            (reason, false) => Self::of_reason(reason),
        }
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

/// A reason without what is put before it; and whether it is a list of several (`2 errors: …; …`).
fn unwrapped(mut reason: &str) -> (&str, bool) {
    let mut is_list = false;
    loop {
        let without = WRAPPERS.iter().find_map(|(begin, end)| {
            let rest = reason.strip_prefix(begin)?;
            let (name, rest) = if end.is_empty() { ("", rest) } else { rest.split_once(end)? };
            (!name.contains(QUOTES) && !name.contains(['=', ';'])).then_some(rest)
        });
        let list = reason.split_once(" errors: ").filter(|(number, _)| {
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        reason = match (without, list) {
            (Some(rest), _) => rest,
            (None, Some((_, rest))) => {
                is_list = true;
                rest
            }
            (None, None) => return (reason, is_list),
        };
    }
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
