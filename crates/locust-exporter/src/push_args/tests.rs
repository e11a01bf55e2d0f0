use clap::Parser;
use secrecy::ExposeSecret as _;

use super::*;
use crate::pushing::Plan;
use crate::usage::Origin;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    push: PushArgs,
}

fn of(args: &[&str]) -> Result<Option<Plan>, String> {
    of_one(args, Some(9646), None)
}

fn of_one(
    args: &[&str],
    port: Option<u16>,
    one_of_many: Option<&str>,
) -> Result<Option<Plan>, String> {
    let args = std::iter::once("x").chain(args.iter().copied());
    let line = Line::try_parse_from(args).expect("flags that exist");
    settings(&Given { args: &line.push, origin: &Origin::default(), port, one_of_many })
}

fn config(args: &[&str]) -> push::Config {
    of(args).expect("sound").expect("something is pushed").config
}

const WRITE: &str = "--push.remote-write.url=http://p:9090/api/v1/write";
const GATEWAY: &str = "--pushgateway.url=http://gateway:9091";

#[test]
fn nothing_is_pushed_unless_told_where() {
    assert!(of(&[]).expect("sound").is_none());
    let without_address = of(&[
        "--push.job=x",
        "--pushgateway.job=y",
        "--push.spool.path=/tmp",
        "--pushgateway.url=",
    ]);
    assert!(without_address.expect("sound").is_none());
}

#[test]
fn the_defaults() {
    let config = config(&[WRITE, GATEWAY, "--push.otlp.endpoint=http://c:4318"]);
    assert_eq!(config.interval, Duration::from_secs(15));
    assert_eq!(config.timeout, Duration::from_secs(10));
    assert_eq!(config.final_timeout, Duration::from_secs(5));
    assert_eq!(config.queue_bytes, 64 << 20);
    assert!(config.spool.is_none());
    assert_eq!(config.identity.job, "locust");
    assert!(config.identity.instance.ends_with(":9646"), "{:?}", config.identity);
    let write = config.remote_write.expect("told");
    assert_eq!(write.version, push::Version::Auto);
    assert!(write.native_histograms && write.external_labels.is_empty());
    let otlp = config.otlp.expect("told");
    assert_eq!(otlp.protocol, push::Protocol::Http);
    assert_eq!(otlp.histograms, push::Histograms::Explicit);
    assert!(otlp.gzip);
    let gateway = config.pushgateway.expect("told");
    assert_eq!((&*gateway.job, gateway.interval), ("locust", Duration::from_secs(10)));
    assert_eq!(gateway.method, push::Method::Put);
    assert!(!gateway.delete_on_exit);
}

#[test]
fn an_address_of_otlp_over_http_ends_in_its_path_once() {
    for (endpoint, whole) in [
        ("http://c:4318", "http://c:4318/v1/metrics"),
        ("http://c:4318/", "http://c:4318/v1/metrics"),
        ("http://c:4318/v1/metrics", "http://c:4318/v1/metrics"),
        ("http://p:9090/api/v1/otlp", "http://p:9090/api/v1/otlp/v1/metrics"),
        ("https://c/v1/metrics/?a=b", "https://c/v1/metrics?a=b"),
    ] {
        let config = config(&["--push.otlp.endpoint", endpoint]);
        assert_eq!(config.otlp.expect("told").target.url.as_str(), whole);
    }
}

#[test]
fn credentials_are_taken_out_of_an_address() {
    let config = config(&["--push.remote-write.url=http://ana:p%40ss@p:9090/write"]);
    let target = config.remote_write.expect("told").target;
    assert_eq!(target.url.as_str(), "http://p:9090/write");
    let outgoing::Credentials::Basic { username, password } = target.credentials else {
        panic!("no credentials");
    };
    assert_eq!((&*username, password.expose_secret()), ("ana", "p@ss"));
}

#[test]
fn nothing_secret_is_shown() {
    let args = [
        "--push.remote-write.url=http://ana:s3cret@p:9090/write",
        "--push.otlp.endpoint=http://c:4318?token=1",
        "--push.otlp.header=X-Key=s3cret,X-Other=s3cret",
        GATEWAY,
    ];
    let line = Line::try_parse_from(std::iter::once("x").chain(args)).expect("flags");
    let shown = format!("{:?} {:?}", config(&args), line.push.otlp_backend);
    assert!(!shown.contains("s3cret"), "{shown}");
    for wrong in [
        "--push.remote-write.url=http://ana:s3cret@",
        "--push.remote-write.url=ana:s3cret@host",
        "--push.remote-write.url=ftp://host/?token=s3cret",
        "--pushgateway.url=http://host?token=s3cret",
        "--push.otlp.header=s3cret",
        "--push.otlp.header=s3c ret=x",
        "--push.otlp.header=X-Key=s3cret\u{e9}",
        "--push.otlp.header=Host=s3cret",
    ] {
        let error = of(&["--push.otlp.endpoint=http://c:4318", wrong]).expect_err(wrong);
        assert!(!error.contains("s3c"), "{error}");
        let flag = wrong.split('=').next().expect("a flag");
        assert!(error.contains(flag) && error.lines().count() == 1, "{error}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_flag() {
    for (args, flag, words) in [
        (&["--push.remote-write.url=p:9090"][..], "--push.remote-write.url", "p:9090"),
        (&["--pushgateway.url=http://g:1?x=1"], "--pushgateway.url", "query"),
        (&[WRITE, "--push.remote-write.external-label=9=x"], "external-label", "9"),
        (&[WRITE, "--push.remote-write.external-label=job=x"], "external-label", "--push.job"),
        (&[WRITE, "--push.remote-write.external-label=a=1,a=2"], "external-label", "twice"),
        (&[WRITE, "--push.remote-write.username=ana"], "--push.remote-write.username", "password"),
        (&[WRITE, "--push.remote-write.tls.key-file=k"], "tls.key-file", "tls.cert-file"),
        (&[WRITE, "--push.remote-write.password-file=/nonexistent"], "/nonexistent", "secret file"),
        (&[WRITE, "--push.job="], "--push.job", "name"),
        (&[GATEWAY, "--pushgateway.grouping=job=x"], "grouping", "--pushgateway.job"),
        (&[GATEWAY, "--pushgateway.job="], "--pushgateway.job", "name"),
        (
            &["--push.otlp.endpoint=http://c:4317/x", "--push.otlp.protocol=grpc"],
            "endpoint",
            "path",
        ),
        (
            &["--push.otlp.endpoint=http://c", "--push.otlp.resource-attribute==x"],
            "--push.otlp.resource-attribute",
            "service.version=1",
        ),
    ] {
        let error = of(args).expect_err(flag);
        assert!(error.contains(flag) && error.contains(words), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn an_instance_is_given_or_this_machine_and_told_apart_where_there_are_many() {
    let instance = |args: &[&str], port, which| {
        let all = [&[WRITE, GATEWAY], args].concat();
        let plan = of_one(&all, port, which).expect("sound").expect("pushed");
        plan.config.identity.instance
    };
    let machine = instance(&[], None, None);
    assert!(!machine.is_empty() && !machine.contains(':'), "{machine}");
    assert_eq!(instance(&[], Some(1), None), format!("{machine}:1"));
    assert_eq!(instance(&["--push.instance=a"], Some(1), None), "a");
    assert_eq!(instance(&["--push.instance=a"], None, Some("w1")), "a-w1");
    let plan = of_one(&[GATEWAY], None, Some("w1")).expect("sound").expect("pushed");
    let grouping = plan.config.pushgateway.expect("told").grouping;
    assert_eq!(grouping, [("instance".to_owned(), format!("{machine}-w1"))]);
}

#[test]
fn headers_and_credentials_are_one_backends_own() {
    let config = config(&[
        WRITE,
        GATEWAY,
        "--push.remote-write.header=X-Scope-OrgID=load",
        "--push.remote-write.tls.insecure-skip-verify",
    ]);
    let write = config.remote_write.expect("told").target;
    let headers: Vec<_> =
        write.headers.iter().map(|(name, value)| (&**name, value.expose_secret())).collect();
    assert_eq!(headers, [("X-Scope-OrgID", "load")]);
    assert!(write.tls.insecure_skip_verify);
    assert_eq!(write.tls_flags, "--push.remote-write.tls");
    let gateway = config.pushgateway.expect("told").target;
    assert!(gateway.headers.is_empty() && !gateway.tls.insecure_skip_verify);
}
