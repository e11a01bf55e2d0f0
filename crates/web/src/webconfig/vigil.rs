//! Keeps the configuration in force, and watches the files that it came from.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::{Active, Error, Loaded, load};

/// The configuration in force.
pub(crate) struct Vigil {
    path: Option<PathBuf>,
    current: ArcSwap<Active>,
    changed: watch::Sender<()>,
    seen: Mutex<Seen>,
}

/// How the files looked.
#[derive(Default)]
struct Seen {
    /// When they were read last.
    read: Vec<Stamp>,
    /// At the last look, if that differs.
    pending: Option<Vec<Stamp>>,
}

/// What tells one state of a file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    state: Option<State>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    modified: Option<SystemTime>,
    size: u64,
    /// Device, number, and time of change, which no tool sets back.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Stamp {
    fn new(path: &Path) -> Self {
        let state = std::fs::metadata(path).ok().map(|metadata| State {
            modified: metadata.modified().ok(),
            size: metadata.len(),
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt;
                (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
            },
        });
        Self { path: path.to_owned(), state }
    }

    fn again(stamps: &[Self]) -> Vec<Self> {
        stamps.iter().map(|stamp| Self::new(&stamp.path)).collect()
    }
}

impl Vigil {
    /// Reads the file for the first time; without one, nothing is asked of anybody. Blocks.
    pub(crate) fn new(path: Option<PathBuf>) -> Result<Arc<Self>, Error> {
        let (active, read) = match &path {
            None => (Active::default(), Vec::new()),
            Some(path) => {
                let (loaded, stamps) = load_stamped(path);
                (loaded.active?, stamps)
            }
        };
        Ok(Self::with(path, active, read))
    }

    /// A configuration that no file holds.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn from_text(text: &str) -> Result<Arc<Self>, Error> {
        let active = super::parse(text, Path::new("")).map_err(|problem| Error {
            file: PathBuf::new(),
            line: problem.line,
            problem: problem.text,
        })?;
        Ok(Self::with(None, active, Vec::new()))
    }

    fn with(path: Option<PathBuf>, active: Active, read: Vec<Stamp>) -> Arc<Self> {
        Arc::new(Self {
            path,
            current: ArcSwap::from_pointee(active),
            changed: watch::Sender::new(()),
            seen: Mutex::new(Seen { read, pending: None }),
        })
    }

    /// What is in force.
    pub(crate) fn current(&self) -> Arc<Active> {
        self.current.load_full()
    }

    /// Hears of changes from now on.
    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Looks at the files again and again.
    pub(crate) async fn watch(self: Arc<Self>, every: Duration) {
        if self.path.is_none() {
            return;
        }
        loop {
            tokio::time::sleep(every).await;
            let vigil = Arc::clone(&self);
            // The files may lie on a file system that is slow to answer.
            let look = tokio::task::spawn_blocking(move || vigil.look());
            if look.await.is_err() {
                tracing::error!("looking at the web configuration file failed");
            }
        }
    }

    /// Rereads the files if they have changed and then stood still from one look to the next: who
    /// is still writing is given time to end. Blocks.
    fn look(&self) {
        let Some(path) = &self.path else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Stamp::again(&seen.read);
        if now == seen.read {
            seen.pending = None;
        } else if seen.pending.as_ref() != Some(&now) {
            seen.pending = Some(now);
        } else {
            // Whatever is wrong has been logged.
            let _ = self.reread(path, &mut seen);
        }
    }

    /// Rereads the files at once. Blocks.
    pub(crate) fn reload(&self) -> Result<(), Error> {
        let Some(path) = &self.path else { return Ok(()) };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        self.reread(path, &mut seen)
    }

    fn reread(&self, path: &Path, seen: &mut Seen) -> Result<(), Error> {
        let (loaded, stamps) = load_stamped(path);
        *seen = Seen { read: stamps, pending: None };
        let current = self.current();
        let usable = loaded.active.and_then(|next| {
            current.locks.lost(next.locks).map_or(Ok(next), |lock| {
                let problem = format!(
                    "the change would turn off {lock}, which takes a restart of the program"
                );
                Err(Error { file: path.to_owned(), line: None, problem })
            })
        });
        match usable {
            Ok(next) => {
                self.current.store(Arc::new(next.after(&current)));
                self.changed.send_replace(());
                tracing::info!(file = %path.display(), "web configuration file reread");
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the last good web configuration stays in force");
                Err(error)
            }
        }
    }
}

impl Active {
    /// Goes on with what is remembered of the configuration before: the tokens of the rate limit,
    /// if that is the same, and the passwords that have been checked.
    fn after(mut self, before: &Self) -> Self {
        if let (Some(users), Some(before)) = (&mut self.users, &before.users)
            && let Some(users) = Arc::get_mut(users)
        {
            users.continue_from(before);
        }
        if let (Some(now), Some(before)) = (&self.rate, &before.rate)
            && now.is_like(before)
        {
            self.rate = Some(Arc::clone(before));
        }
        self
    }
}

/// Reads the file, and tells how it and those it names looked *before* they were read: what
/// changes meanwhile is seen at the next look.
fn load_stamped(path: &Path) -> (Loaded, Vec<Stamp>) {
    let mut stamps = vec![Stamp::new(path)];
    loop {
        let loaded = load(path);
        let is_stamped = |file: &PathBuf| stamps.iter().any(|stamp| stamp.path == *file);
        if loaded.files.iter().all(is_stamped) {
            return (loaded, stamps);
        }
        stamps = loaded.files.iter().map(|file| Stamp::new(file)).collect();
    }
}
