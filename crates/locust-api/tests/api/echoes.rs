//! Servers that repeat what they were sent in their errors: no error shows a secret.

use locust_api::{Auth, Client, Config};

use crate::server::{Reply, Request, Server};
use crate::{failure, look, snapshot};

/// What must not be shown: the password and the token, and `ana:s3cret-word` in base64.
const HIDDEN: [&str; 2] = ["s3cret", "YW5hOnMzY3JldC13b3Jk"];

/// The header that tells who asks, as it came.
fn credential(request: &Request) -> String {
    let header = ["authorization", "cookie"].iter().find_map(|name| request.header(name));
    header.unwrap_or("none").to_owned()
}

/// An answer that has this text in it, in one of the places from which an error quotes.
fn echoing(text: &str, place: usize) -> Reply {
    let headers = |name, value: &str| Reply::with_headers("302 FOUND", &[(name, value)], "");
    match place {
        0 => Reply::new("500 NO", "text/plain", format!("bad header {text} of yours")),
        1 => headers("Location", &format!("/elsewhere/{}", text.replace(' ', "%20"))),
        2 => Reply::new("200 OK", &format!("text/html; of={text}"), "<html>"),
        // Cut by the excerpt, and by the most that is read.
        3 => Reply::new("500 NO", "text/plain", format!("{}{text}", "x".repeat(100))),
        _ => Reply::new("500 NO", "text/plain", format!("{}{text}", " ".repeat(4096 - 12))),
    }
}

fn assert_hidden(shown: &str) {
    for hidden in HIDDEN {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[tokio::test]
async fn an_echoed_credential_is_in_no_error() {
    let basic = Auth::Basic { username: "ana".to_owned(), password: "s3cret-word".into() };
    for auth in [basic, Auth::Bearer("s3cret-token".into()), Auth::None] {
        for place in 0..5 {
            let server = Server::start(move |it| echoing(&credential(it), place)).await;
            let mut config = Config { auth: auth.clone(), ..server.config() };
            if matches!(auth, Auth::None) {
                config.url.set_username("ana").unwrap();
                config.url.set_password(Some("s3cret-word")).unwrap();
            }
            let shown = failure(&look(&Client::new(config).unwrap()).await);
            assert_hidden(&shown);
            assert!(!shown.contains("s3c"), "{shown}");
            assert!(place == 3 || place == 4 || shown.contains('…'), "it quotes the rest: {shown}");
        }
    }
}

#[tokio::test]
async fn the_session_of_a_login_is_a_secret_too() {
    let server = Server::start(|request| match (&*request.method, &*request.path) {
        ("GET", "/login") => {
            let args = r#"{"username_password_callback":"/login_submit"}"#;
            Reply::html(format!("<script>\n window.authArgs = {args}\n</script>"))
        }
        ("POST", "/login_submit") => {
            let headers = [("Location", "/"), ("Set-Cookie", "session=s3cret-session; HttpOnly")];
            Reply::with_headers("302 FOUND", &headers, "")
        }
        _ if request.header("cookie").is_none() => Reply::redirect("/login"),
        _ => echoing(&credential(request), 0),
    })
    .await;
    let auth = Auth::Login { username: "ana".to_owned(), password: "s3cret-word".into() };
    let shown = failure(&look(&Client::new(Config { auth, ..server.config() }).unwrap()).await);
    assert!(shown.contains("bad header session=… of yours"), "{shown}");
    assert_hidden(&shown);
}

#[tokio::test]
async fn a_credential_is_neither_in_the_version_nor_in_the_state() {
    let server = Server::start(|request| {
        let credential = credential(request);
        match &*request.path {
            "/stats/requests" => Reply::json(format!(r#"{{"state":"{credential}","stats":[]}}"#)),
            "/" => {
                let args = format!(r#"{{"version":"2.47.0 {credential}"}}"#);
                Reply::html(format!("<script>\n window.templateArgs = {args}\n</script>"))
            }
            _ => Reply::not_found(),
        }
    })
    .await;
    let config = Config { auth: Auth::Bearer("s3cret-token".into()), ..server.config() };
    let seen = snapshot(look(&Client::new(config).unwrap()).await);
    assert_eq!(seen.version.as_deref(), Some("2.47.0 Bearer …"));
    assert_eq!(seen.state.unwrap().as_str(), "Bearer …");
}
