//! How requests look.

use locust_api::{Auth, Client, Config, ConfigError, Tls};

use crate::locust::{running, running_but};
use crate::server::{Reply, Request, Server};
use crate::{failure, look, snapshot};

async fn seen_with(change: impl FnOnce(Config) -> Config) -> Vec<Request> {
    let server = running_but(vec![]).await;
    let client = Client::new(change(server.config())).unwrap();
    snapshot(look(&client).await);
    server.seen()
}

fn authorizations(requests: &[Request]) -> Vec<Option<&str>> {
    let mut all: Vec<_> = requests.iter().map(|request| request.header("authorization")).collect();
    all.dedup();
    all
}

#[tokio::test]
async fn without_credentials_none_are_sent() {
    let seen = seen_with(|config| config).await;
    assert_eq!(authorizations(&seen), [None]);
    assert!(seen.iter().all(|request| request.header("cookie").is_none()));
}

#[tokio::test]
async fn basic_is_sent_with_every_request() {
    let seen = seen_with(|mut config| {
        config.auth = Auth::Basic { username: "me".to_owned(), password: "pass".into() };
        config
    })
    .await;
    assert_eq!(authorizations(&seen), [Some("Basic bWU6cGFzcw==")]);
}

#[tokio::test]
async fn user_and_password_of_the_address_are_sent_as_basic() {
    let seen = seen_with(|mut config| {
        config.url.set_username("me").unwrap();
        config.url.set_password(Some("p/s%")).unwrap();
        config
    })
    .await;
    assert_eq!(authorizations(&seen), [Some("Basic bWU6cC9zJQ==")]);
}

#[tokio::test]
async fn a_bearer_token_is_sent_with_every_request() {
    let seen = seen_with(|mut config| {
        config.auth = Auth::Bearer("t0ken".into());
        config
    })
    .await;
    assert_eq!(authorizations(&seen), [Some("Bearer t0ken")]);
}

#[tokio::test]
async fn the_user_agent_is_ours() {
    let seen = seen_with(|mut config| {
        config.user_agent = "locust_exporter/9".to_owned();
        config
    })
    .await;
    assert!(seen.iter().all(|request| request.header("user-agent") == Some("locust_exporter/9")));
}

#[tokio::test]
async fn a_base_path_stands_before_every_route() {
    let server = Server::start(|request| match request.path.strip_prefix("/load/test") {
        Some(path) => running(&Request { path: path.to_owned(), ..request.clone() }),
        None => Reply::not_found(),
    })
    .await;
    for base in ["/load/test", "/load/test/", "/load/test/?tab=stats#x"] {
        let config = Config::new(format!("{}{base}", server.url()).parse().unwrap());
        let look = look(&Client::new(config).unwrap()).await;
        assert!(look.collectors.iter().all(|collector| collector.success), "{base}");
    }
}

#[tokio::test]
async fn refused_credentials_are_told_from_missing_ones_and_never_shown() {
    for status in ["401 UNAUTHORIZED", "403 FORBIDDEN"] {
        let reply = Reply::new(status, "text/html", "");
        let server = running_but(vec![("/stats/requests", reply)]).await;
        let address = server.url().replace("http://", "http://me:s3cret@");
        let in_address = Config::new(address.parse().unwrap());
        let bearer = Config { auth: Auth::Bearer("s3cret".into()), ..server.config() };
        for config in [in_address, bearer] {
            let client = Client::new(config).unwrap();
            let look = look(&client).await;
            let shown = failure(&look);
            assert!(shown.contains("refused the login"), "{shown}");
            for text in [shown, format!("{look:?}{client:?}")] {
                assert!(!text.contains("s3cret") && !text.contains("me:s"), "{text}");
            }
        }
    }
}

#[test]
fn a_configuration_shows_no_secret() {
    let mut config = Config::new("http://me:s3cret@locust:8089/?k=s3cret".parse().unwrap());
    config.auth = Auth::Login { username: "me".to_owned(), password: "s3cret".into() };
    let shown = format!("{config:?}");
    assert!(shown.contains("http://locust:8089/") && !shown.contains("s3cret"), "{shown}");
}

fn refusal(config: Config) -> String {
    match Client::new(config) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it should have been refused"),
    }
}

#[test]
fn a_scheme_that_locust_does_not_speak_is_refused() {
    let shown = refusal(Config::new("ftp://me:s3cret@locust/".parse().unwrap()));
    assert!(shown.contains("\"ftp://locust/\"") && shown.contains("http://HOST"), "{shown}");
}

#[test]
fn two_kinds_of_credentials_for_one_header_are_refused() {
    for auth in [
        Auth::Bearer("s3cret".into()),
        Auth::Basic { username: "you".to_owned(), password: "s3cret".into() },
    ] {
        let url = "http://me:s3cret@locust:8089".parse().unwrap();
        let shown = refusal(Config { auth, ..Config::new(url) });
        assert!(shown.contains("give one of them") && !shown.contains("s3cret"), "{shown}");
    }
}

#[test]
fn a_token_that_no_header_can_hold_is_refused_and_not_shown() {
    let url = "http://locust:8089".parse().unwrap();
    let shown = refusal(Config { auth: Auth::Bearer("s3cret\n".into()), ..Config::new(url) });
    assert!(shown.contains("bearer token") && !shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let url = || "http://locust:8089".parse().unwrap();
    let missing = Some("/nowhere/ca.pem".into());
    let tls = Tls { ca_file: missing.clone(), ..Tls::default() };
    let shown = refusal(Config { tls, ..Config::new(url()) });
    assert!(shown.contains("the CA file \"/nowhere/ca.pem\" cannot be used: No such"), "{shown}");

    let tls = Tls {
        ca_file: Some(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into()),
        ..Tls::default()
    };
    let shown = refusal(Config { tls, ..Config::new(url()) });
    assert!(shown.contains("it holds no certificate; PEM is accepted"), "{shown}");

    for tls in [
        Tls { cert_file: missing.clone(), ..Tls::default() },
        Tls { key_file: missing.clone(), ..Tls::default() },
    ] {
        let error = Client::new(Config { tls, ..Config::new(url()) }).unwrap_err();
        assert!(matches!(error, ConfigError::HalfCertificate { .. }), "{error}");
        assert!(error.to_string().contains("/nowhere/ca.pem"), "{error}");
    }

    let tls = Tls { server_name: Some("not a name".to_owned()), ..Tls::default() };
    let shown = refusal(Config { tls, ..Config::new(url()) });
    assert!(shown.contains("\"not a name\""), "{shown}");
}
