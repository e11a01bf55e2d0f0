//! What can go wrong between us and a Locust.

use std::time::Duration;

/// Why Locust, or one of its routes, could not be had.
///
/// The messages name what happened and what to do, and never hold a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No connection, or it broke.
    #[error("{url} cannot be reached: {cause}")]
    Unreachable {
        /// The route, without credentials.
        url: String,
        /// The innermost cause, in one line; where it is a certificate, with the flag that helps.
        cause: String,
    },
    /// No answer before the deadline.
    #[error("{url} did not answer within {}", seconds(*after))]
    TimedOut {
        /// The route, without credentials.
        url: String,
        /// How long was waited.
        after: Duration,
    },
    /// An answer that Locust would not give.
    #[error("{url} does not answer as Locust does: {cause}; check the address and the base path")]
    NotLocust {
        /// The route, without credentials.
        url: String,
        /// What is odd about it.
        cause: String,
    },
    /// A route that this Locust does not have.
    #[error("{url} is not there: 404 Not Found")]
    NoRoute {
        /// The route, without credentials.
        url: String,
    },
    /// Locust asks for a login, and no credentials of the right kind were given.
    #[error("{url} needs a login: {cause}")]
    LoginNeeded {
        /// The route, without credentials.
        url: String,
        /// How it shows, and which options help.
        cause: String,
    },
    /// Locust did not accept the credentials.
    #[error("{url} refused the login: {cause}")]
    LoginRefused {
        /// The route, without credentials.
        url: String,
        /// How it shows.
        cause: String,
    },
    /// Locust itself failed.
    #[error("{url} failed inside Locust: {cause}")]
    Failed {
        /// The route, without credentials.
        url: String,
        /// Its status and the beginning of its text.
        cause: String,
    },
    /// An answer whose shape belongs to no version that is known.
    #[error("{url} answers in a shape that no known version of Locust has: {cause}")]
    NotUnderstood {
        /// The route, without credentials.
        url: String,
        /// What could not be understood.
        cause: String,
    },
    /// An answer beyond the limit.
    #[error("{url} answers with more than {limit} bytes, alone or with what is answered beside it")]
    TooLarge {
        /// The route, without credentials.
        url: String,
        /// The limit in bytes, of the body as it is after decompression.
        limit: usize,
    },
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
