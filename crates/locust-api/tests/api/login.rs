//! The login form of Locust 2.21 and later.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use locust_api::{Auth, Client, Config, Error};

use crate::locust::running;
use crate::server::{Reply, Request, Server};
use crate::{failure, look, snapshot};

fn login_page(args: &str) -> Reply {
    Reply::html(format!("<script>\n window.authArgs = {args}\n</script>"))
}

/// A Locust behind a login, whose sessions are numbered: the one that counts can be changed.
async fn guarded(args: &str, valid: Arc<AtomicUsize>) -> Server {
    let args = args.to_owned();
    Server::start(move |request| {
        let session = valid.load(Ordering::SeqCst);
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/login") => login_page(&args),
            ("POST", "/login_submit") if request.body == "username=me&password=p%26+%C3%A9" => {
                let cookie = format!("session=s{session}; HttpOnly; Path=/");
                let headers = [
                    ("Location", "/"),
                    ("Set-Cookie", &cookie),
                    ("Set-Cookie", "lang=en"),
                    ("Set-Cookie", "gone=; Max-Age=0"),
                ];
                Reply::with_headers("302 FOUND", &headers, "")
            }
            ("POST", _) => {
                let headers = [("Location", "/login"), ("Set-Cookie", "session=error")];
                Reply::with_headers("302 FOUND", &headers, "")
            }
            _ if request.header("cookie") == Some(&format!("session=s{session}; lang=en")) => {
                running(request)
            }
            (_, path) => Reply::redirect(&format!("/login?next={path}")),
        }
    })
    .await
}

const PLAIN: &str = r#"{"error":null,"username_password_callback":"/login_submit"}"#;

fn client(server: &Server, password: &str) -> Client {
    let auth = Auth::Login { username: "me".to_owned(), password: password.into() };
    Client::new(Config { auth, ..server.config() }).unwrap()
}

fn posts(server: &Server) -> Vec<Request> {
    server.seen().into_iter().filter(|request| request.method == "POST").collect()
}

#[tokio::test]
async fn all_routes_share_one_login() {
    let server = guarded(PLAIN, Arc::default()).await;
    let client = client(&server, "p& é");
    let look_1 = look(&client).await;
    assert!(look_1.collectors.iter().all(|collector| collector.success), "{look_1:?}");
    snapshot(look(&client).await);
    assert_eq!(posts(&server).len(), 1);
    assert_eq!(server.count("/login"), 1);
    let kind = posts(&server)[0].header("content-type").map(str::to_owned);
    assert_eq!(kind.as_deref(), Some("application/x-www-form-urlencoded"));
}

#[tokio::test]
async fn a_custom_form_is_filled_in_too() {
    let args = r#"{"custom_form":{"inputs":[{"name":"username"}],"callback_url":"/login_submit"}}"#;
    let server = guarded(args, Arc::default()).await;
    snapshot(look(&client(&server, "p& é")).await);
}

#[tokio::test]
async fn a_session_that_ended_is_opened_again() {
    let valid = Arc::new(AtomicUsize::new(0));
    let server = guarded(PLAIN, valid.clone()).await;
    let client = client(&server, "p& é");
    snapshot(look(&client).await);
    valid.store(1, Ordering::SeqCst);
    let again = look(&client).await;
    assert!(again.collectors.iter().all(|collector| collector.success), "{again:?}");
    snapshot(again);
    assert_eq!(posts(&server).len(), 2);
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_sent_once_a_look() {
    let server = guarded(PLAIN, Arc::default()).await;
    let client = client(&server, "wr0ng");
    let refused = look(&client).await;
    assert!(matches!(refused.snapshot, Err(Error::LoginRefused { .. })), "{refused:?}");
    assert!(failure(&refused).contains("/login refused the login: it does not accept user and"));
    assert!(!format!("{refused:?}").contains("wr0ng"));
    assert_eq!(posts(&server).len(), 1);
    look(&client).await;
    assert_eq!(posts(&server).len(), 2, "it may be accepted later");
}

#[tokio::test]
async fn a_password_is_never_sent_elsewhere() {
    let elsewhere = Server::start(|_| Reply::html("")).await;
    for args in [
        format!(r#"{{"username_password_callback":"{}/login_submit"}}"#, elsewhere.url()),
        r#"{"username_password_callback":"//elsewhere.example/login_submit"}"#.to_owned(),
        r#"{"username_password_callback":"https://127.0.0.1/login_submit"}"#.to_owned(),
    ] {
        let server = guarded(&args, Arc::default()).await;
        let look = look(&client(&server, "p& é")).await;
        assert!(matches!(look.snapshot, Err(Error::LoginRefused { .. })), "{look:?}");
        assert!(failure(&look).contains("only sent to the Locust that is asked"));
        assert!(posts(&server).is_empty());
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_login_page_without_a_form_says_so() {
    let server =
        guarded(r#"{"auth_providers":[{"callback_url":"/github"}]}"#, Arc::default()).await;
    let look = look(&client(&server, "p& é")).await;
    assert!(failure(&look).contains("no form for user and password"), "{}", failure(&look));
    let server = guarded("nothing", Arc::default()).await;
    let look = crate::look(&client(&server, "p& é")).await;
    assert!(matches!(look.snapshot, Err(Error::NotLocust { .. } | Error::NotUnderstood { .. })));
}

#[tokio::test]
async fn a_session_that_is_not_accepted_ends_the_attempts() {
    let server = Server::start(|request| match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/login") => login_page(PLAIN),
        ("POST", _) => {
            let headers = [("Location", "/"), ("Set-Cookie", "session=x")];
            Reply::with_headers("302 FOUND", &headers, "")
        }
        _ => Reply::redirect("/login"),
    })
    .await;
    let look = look(&client(&server, "p& é")).await;
    assert!(failure(&look).contains("right after one that succeeded"), "{}", failure(&look));
    assert_eq!(posts(&server).len(), 1);
}

#[tokio::test]
async fn a_form_that_answers_oddly_is_told() {
    for (status, words) in [("500 NO", "500"), ("200 OK", "it opens no session")] {
        let server = Server::start(move |request| match request.method.as_str() {
            "POST" => Reply::new(status, "text/html", ""),
            _ if request.path == "/login" => login_page(PLAIN),
            _ => Reply::redirect("/login"),
        })
        .await;
        let look = look(&client(&server, "p& é")).await;
        assert!(matches!(look.snapshot, Err(Error::LoginRefused { .. })), "{look:?}");
        assert!(failure(&look).contains(words), "{}", failure(&look));
    }
}

#[tokio::test]
async fn other_credentials_do_not_fill_in_the_form() {
    let server = guarded(PLAIN, Arc::default()).await;
    let config = Config { auth: Auth::Bearer("t0ken".into()), ..server.config() };
    let look = look(&Client::new(config).unwrap()).await;
    assert!(matches!(look.snapshot, Err(Error::LoginNeeded { .. })), "{look:?}");
    assert!(failure(&look).contains("does not accept the given credentials"));
    assert!(posts(&server).is_empty());
}
