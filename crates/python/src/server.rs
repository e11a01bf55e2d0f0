//! The thread that answers scrapes. It takes no lock of Python's, and hears no signal.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use web::{Config, Hooks, Server};

use crate::thread::spawn_giving_way;

/// Closes what a child that was just forked has inherited of its parent's servers and spools: their
/// threads live in the parent alone.
#[cfg(unix)]
#[pyo3::pyfunction]
pub(crate) fn close_inherited() {
    for open in inherited::take() {
        // SAFETY: it is open, and what owns it belongs to a thread that this process does
        // not have: nothing here uses it, or closes it again.
        unsafe { libc::close(open) };
    }
}

/// How long work that cannot be interrupted may go on after the end.
const LAST_WORK: Duration = Duration::from_millis(100);

/// How long a bind may take: a name may have to be resolved.
const BIND: Duration = Duration::from_secs(15);

/// The thread. It ends when this is dropped.
pub(crate) struct Serving {
    commands: UnboundedSender<Command>,
    /// Whether it answers on any address.
    answers: bool,
}

/// Why nothing is served, in one line.
#[derive(Debug)]
pub(crate) enum Unserved {
    /// An option is mistaken.
    Mistake(String),
    /// The system refuses; its number for why, if it has one.
    Refused(String, Option<i32>),
}

impl From<web::Error> for Unserved {
    fn from(error: web::Error) -> Self {
        let line = error.to_string();
        if error.is_mistake() {
            return Self::Mistake(line);
        }
        Self::Refused(line, error.cause().and_then(io::Error::raw_os_error))
    }
}

impl From<String> for Unserved {
    fn from(line: String) -> Self {
        Self::Refused(line, None)
    }
}

enum Command {
    Serve { config: Box<Config>, hooks: Hooks, reply: mpsc::Sender<Result<Vec<String>, Unserved>> },
    Close { grace: Duration, done: mpsc::Sender<()> },
}

impl Serving {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// If the system gives no thread, or the runtime cannot begin.
    pub(crate) fn start() -> io::Result<Self> {
        let (commands, orders) = unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        spawn_giving_way("locust-exporter", move || {
            runtime.block_on(obey(orders));
            runtime.shutdown_timeout(LAST_WORK);
        })?;
        Ok(Self { commands, answers: false })
    }

    /// Binds every address and answers on them from now on. Waits until they are bound.
    ///
    /// # Errors
    ///
    /// One line that names the address, what is wrong and what to do.
    pub(crate) fn serve(&mut self, config: Config, hooks: Hooks) -> Result<Vec<String>, Unserved> {
        let (reply, answer) = mpsc::channel();
        let config = Box::new(config);
        let ended = || "the server's thread has ended".to_owned();
        self.commands.send(Command::Serve { config, hooks, reply }).map_err(|_| ended())?;
        let addresses = answer.recv_timeout(BIND).map_err(|cause| match cause {
            mpsc::RecvTimeoutError::Timeout => format!("no address was bound within {BIND:?}"),
            mpsc::RecvTimeoutError::Disconnected => ended(),
        })??;
        self.answers |= !addresses.is_empty();
        Ok(addresses)
    }

    /// Whether it answers on any address.
    pub(crate) fn answers(&self) -> bool {
        self.answers
    }

    /// Ends the thread; scrapes in flight have until `grace` is over. Waits so long at most.
    pub(crate) fn close(self, grace: Duration) {
        let (done, over) = mpsc::channel();
        if self.commands.send(Command::Close { grace, done }).is_ok() {
            // It ends by itself if it takes longer.
            let _ = over.recv_timeout(grace + LAST_WORK);
        }
    }
}

async fn obey(mut orders: UnboundedReceiver<Command>) {
    let shutdown = CancellationToken::new();
    let mut servers = JoinSet::new();
    while let Some(command) = orders.recv().await {
        match command {
            Command::Serve { config, hooks, reply } => {
                let bound = Server::bind(*config, hooks).await;
                // Who asked may have given up waiting, and said so: then it is not served either.
                match bound {
                    Ok(server) => {
                        let addresses =
                            server.addresses().iter().map(ToString::to_string).collect();
                        if reply.send(Ok(addresses)).is_ok() {
                            servers.spawn(server.run(shutdown.clone()));
                        }
                    }
                    Err(error) => drop(reply.send(Err(error.into()))),
                }
            }
            Command::Close { grace, done } => {
                shutdown.cancel();
                let all = async { while servers.join_next().await.is_some() {} };
                if tokio::time::timeout(grace, all).await.is_err() {
                    tracing::warn!(?grace, "scrapes in flight were cut at the end");
                }
                let _ = done.send(());
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use web::{Ask, Gather, GatherFuture};

    use super::*;

    struct Nothing;

    impl Gather for Nothing {
        fn gather(&self, _: Ask) -> GatherFuture<'_> {
            Box::pin(std::future::pending())
        }
    }

    fn hooks(gather: Arc<Nothing>) -> Hooks {
        Hooks {
            gather,
            probe: None,
            reload: None,
            ready: Arc::new(true.into()),
            quit: CancellationToken::new(),
        }
    }

    #[test]
    fn who_has_given_up_waiting_is_not_served() {
        let gather = Arc::new(Nothing);
        let address = "127.0.0.1:0".parse().unwrap();
        let config = Box::new(Config { listen: vec![address], ..Config::default() });
        let given_up = hooks(Arc::clone(&gather));
        let mut serving = Serving::start().unwrap();
        let (reply, answer) = mpsc::channel();
        drop(answer);
        serving.commands.send(Command::Serve { config, hooks: given_up, reply }).ok().unwrap();
        // What is served next is behind it, and fails: no address is given.
        let none = Config { listen: Vec::new(), ..Config::default() };
        let _ = serving.serve(none, hooks(Arc::new(Nothing)));
        assert_eq!(Arc::strong_count(&gather), 1, "its server is gone");
    }
}
