//! The web configuration file: TLS, HTTP headers, basic authentication, rate limit, in the schema
//! of Prometheus's own exporters.
//!
//! The file is read strictly: an unknown key or value, and a value given twice, is an error that
//! names the file. It is reread when it, or a file that it names, changes. A change that cannot
//! be used leaves the last good configuration in force; and a change never removes a lock (TLS,
//! basic authentication, what is asked of client certificates), because a file cut short by a
//! full disk looks just like one whose author wanted that. To remove a lock, restart.

mod client;
mod file;
mod headers;
mod names;
mod pem;
mod rate;
mod tls;
mod users;
mod vigil;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use rustls::ServerConfig;

#[doc(hidden)]
pub use self::file::check_text;
pub(crate) use self::rate::Rate;
pub(crate) use self::users::{Admission, Users};
pub(crate) use self::vigil::Vigil;

use self::file::File;

/// What is wrong with the web configuration file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("web configuration file {}{}: {problem}", file.display(), Line(*line))]
pub struct Error {
    file: PathBuf,
    line: Option<u64>,
    problem: String,
}

/// `:12` after the file's name.
struct Line(Option<u64>);

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

/// A problem, and the line where it stands, if that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    line: Option<u64>,
    text: String,
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self { line: None, text }
    }
}

/// A configuration in force.
#[derive(Default)]
pub(crate) struct Active {
    /// Without it, HTTP is spoken in the clear.
    pub(crate) tls: Option<Arc<ServerConfig>>,
    /// Set on every answer.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Without them, everybody may come in.
    pub(crate) users: Option<Arc<Users>>,
    /// Without it, as often as they like.
    pub(crate) rate: Option<Arc<Rate>>,
    locks: Locks,
}

/// What keeps people out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Locks {
    tls: bool,
    users: bool,
    client: client::Locks,
}

impl Locks {
    /// The lock that is here but not in `next`, in words.
    fn lost(self, next: Self) -> Option<&'static str> {
        if self.tls && !next.tls {
            Some("TLS (tls_server_config)")
        } else if self.users && !next.users {
            Some("basic authentication (basic_auth_users)")
        } else {
            self.client.lost(next.client)
        }
    }
}

/// A file that was read: what it says, and the files that it depends on.
struct Loaded {
    active: Result<Active, Error>,
    /// The file itself first.
    files: Vec<PathBuf>,
}

/// Reads the file and those that it names. Blocks.
fn load(path: &Path) -> Loaded {
    let mut files = vec![path.to_owned()];
    let active = read(path, &mut files).map_err(|problem| Error {
        file: path.to_owned(),
        line: problem.line,
        problem: problem.text,
    });
    Loaded { active, files }
}

fn read(path: &Path, files: &mut Vec<PathBuf>) -> Result<Active, Problem> {
    let text = pem::read_text(path)?;
    let file = File::parse(&text)?;
    let directory = path.parent().unwrap_or(Path::new(""));
    files.extend(file.tls.files().map(|name| directory.join(name)));
    build(&file, directory)
}

/// Reads a text as such a file.
#[cfg(any(test, feature = "fuzzing"))]
fn parse(text: &str, directory: &Path) -> Result<Active, Problem> {
    build(&File::parse(text)?, directory)
}

/// Makes of a file what is put in force.
fn build(file: &File, directory: &Path) -> Result<Active, Problem> {
    let http2 = file.http.http2.unwrap_or(true);
    let tls = tls::build(&file.tls, directory, http2)?;
    let users = Users::new(&file.users)?;
    let (tls, client) = tls.map_or((None, client::Locks::default()), |(config, locks)| {
        (Some(Arc::new(config)), locks)
    });
    Ok(Active {
        locks: Locks { tls: tls.is_some(), users: users.is_some(), client },
        tls,
        headers: headers::build(&file.http.headers)?,
        users: users.map(Arc::new),
        rate: Rate::new(&file.rate)?.map(Arc::new),
    })
}
