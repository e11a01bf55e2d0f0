//! Sockets handed over as systemd does it: as open file 3, named by environment variables.

use std::env;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use web::{Config, Server};

use crate::support::{Small, Source, config, eventually, get, hooks};

/// The socket comes as standard input, since a command can be given that.
const SCRIPT: &str = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \
                      --exact systemd::child --ignored";

/// Does not outlive the test.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_socket_of_systemd_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let child = Command::new("sh")
        .args(["-c", SCRIPT])
        .arg(env::current_exe().unwrap())
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = Reaped(child.unwrap());
    assert!(get(address, "/metrics").await.text().contains("test_up 1"));
    get(address, "/quitquitquit").await;
    let mut status = None;
    eventually("the end", async || {
        status = child.0.try_wait().unwrap();
        status.is_some()
    })
    .await;
    assert!(status.unwrap().success());
}

/// The other side of the test above, in a process of its own.
#[tokio::test]
#[ignore = "is run by a_socket_of_systemd_is_served"]
async fn child() {
    if env::var_os("LISTEN_FDS").is_none() {
        return;
    }
    let hooks = hooks(&Arc::new(Source::new(Small)));
    let quit = hooks.quit.clone();
    let config = Config { listen: Vec::new(), systemd_socket: true, ..config() };
    Server::bind(config, hooks).await.unwrap().run(quit).await;
}
