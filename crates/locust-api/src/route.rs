//! The routes that are asked. All are only read: none of them changes Locust's state.

/// A route of Locust's web API.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    /// The collector's name.
    pub(crate) name: &'static str,
    /// The path behind the base path.
    pub(crate) path: &'static str,
    pub(crate) kind: Kind,
}

/// What a route answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Csv,
    Html,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "JSON",
            Self::Csv => "CSV",
            Self::Html => "HTML",
        }
    }
}

const fn route(name: &'static str, path: &'static str, kind: Kind) -> Route {
    Route { name, path, kind }
}

pub(crate) const STATS: Route = route("stats", "/stats/requests", Kind::Json);
pub(crate) const STATS_CSV: Route = route("stats_csv", "/stats/requests/csv", Kind::Csv);
pub(crate) const FAILURES_CSV: Route = route("failures_csv", "/stats/failures/csv", Kind::Csv);
pub(crate) const EXCEPTIONS: Route = route("exceptions", "/exceptions", Kind::Json);
pub(crate) const EXCEPTIONS_CSV: Route = route("exceptions_csv", "/exceptions/csv", Kind::Csv);
pub(crate) const TASKS: Route = route("tasks", "/tasks", Kind::Json);
pub(crate) const LOGS: Route = route("logs", "/logs", Kind::Json);
pub(crate) const WORKER_COUNT: Route = route("worker_count", "/worker-count", Kind::Json);
pub(crate) const INDEX: Route = route("index", "/", Kind::Html);
pub(crate) const LOGIN: Route = route("login", "/login", Kind::Html);
