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

fn of(args: &[&str]) -> Result<Plan, String> {
    of_one(args, &[], Some(9646), None)
}

fn of_one(
    args: &[&str],
    variables: &[(&str, &str)],
    port: Option<u16>,
    one_of_many: Option<&str>,
) -> Result<Plan, String> {
    let args = std::iter::once("x").chain(args.iter().copied());
    let line = Line::try_parse_from(args).expect("flags that exist");
    let variables = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let (args, origin) = (&line.push, &Origin::default());
    settings(&Given { args, origin, port, one_of_many, with_otel: false, variables: &variables })
}

fn config(args: &[&str]) -> push::Config {
    of(args).expect("sound").config.expect("something is pushed")
}

/// What is pushed by OTLP, and which variable says so.
fn otlp(args: &[&str], variables: &[(&str, &str)]) -> (Option<push::Otlp>, Plan) {
    let plan = of_one(args, variables, None, None).expect("sound");
    (plan.config.clone().and_then(|config| config.otlp), plan)
}

const WRITE: &str = "--push.remote-write.url=http://p:9090/api/v1/write";
const GATEWAY: &str = "--pushgateway.url=http://gateway:9091";

#[test]
fn nothing_is_pushed_unless_told_where() {
    assert!(of(&[]).expect("sound").config.is_none());
    let without_address = of(&[
        "--push.job=x",
        "--pushgateway.job=y",
        "--push.spool.path=/tmp",
        "--pushgateway.url=",
    ]);
    assert!(without_address.expect("sound").config.is_none());
}

#[test]
fn options_of_what_is_not_pushed_are_told() {
    for (args, words) in [
        (&["--push.spool.path=/tmp"][..], "--push.spool.path does nothing"),
        (&["--push.spool.path=/tmp", GATEWAY], "--push.spool.path does nothing"),
        (&["--push.remote-write.username=ana"], "--push.remote-write.url names no address"),
        (&[WRITE, "--pushgateway.tls.ca-file=x"], "--pushgateway.url names no address"),
    ] {
        let ignored = of(args).expect("sound").ignored;
        assert!(matches!(&ignored[..], [line] if line.contains(words)), "{ignored:?}");
    }
    assert_eq!(of(&[WRITE, "--push.spool.path=/tmp"]).expect("sound").ignored, [""; 0]);
    assert_eq!(of(&["--push.job=x"]).expect("sound").ignored, [""; 0]);
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
    assert_eq!(write.native_histograms, push::NativeHistograms::Auto);
    assert!(write.external_labels.is_empty());
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
fn a_pushgateway_without_a_scheme_is_one_of_http() {
    for (given, url) in [
        ("gateway:9091", "http://gateway:9091/"),
        ("127.0.0.1:9091/base", "http://127.0.0.1:9091/base"),
        ("[::1]:9091", "http://[::1]:9091/"),
        ("gateway", "http://gateway/"),
        (" https://gateway ", "https://gateway/"),
    ] {
        let config = config(&["--pushgateway.url", given]);
        assert_eq!(config.pushgateway.expect("told").target.url.as_str(), url);
    }
    let error = of(&["--pushgateway.url=a b"]).expect_err("no host");
    assert!(error.contains("--pushgateway.url") && error.contains("a b"), "{error}");
}

#[test]
fn beside_locusts_otel_a_variables_endpoint_is_spoken_to_by_grpc_unless_told_otherwise() {
    const GRPC: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317");
    let protocol = |args: &[&str], variables: &[(&str, &str)]| {
        let args = std::iter::once("x").chain(args.iter().copied());
        let line = Line::try_parse_from(args).expect("flags that exist");
        let variables = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let plan = settings(&Given {
            args: &line.push,
            origin: &Origin::default(),
            port: None,
            one_of_many: None,
            with_otel: true,
            variables: &variables,
        });
        plan.expect("sound").config.expect("pushed").otlp.expect("told").protocol
    };
    assert_eq!(protocol(&[], &[GRPC]), push::Protocol::Grpc);
    let http = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    assert_eq!(protocol(&[], &[GRPC, http]), push::Protocol::Http);
    assert_eq!(protocol(&["--push.otlp.protocol=http/protobuf"], &[GRPC]), push::Protocol::Http);
    assert_eq!(protocol(&["--push.otlp.endpoint=http://c:4318"], &[GRPC]), push::Protocol::Http);
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
        (
            &[WRITE, "--push.remote-write.password-file=/nonexistent"],
            "--push.remote-write.password-file: secret file",
            "/nonexistent",
        ),
        (&[WRITE, "--push.job="], "--push.job", "name"),
        (&[GATEWAY, "--pushgateway.grouping=job=x"], "grouping", "--pushgateway.job"),
        (&[GATEWAY, "--pushgateway.job="], "--pushgateway.job", "name"),
        (&["--pushgateway.url=http://g:1/metrics/job/x"], "--pushgateway.url", "--pushgateway.job"),
        (&["--push.otlp.endpoint=http://c:1/v1/traces"], "--push.otlp.endpoint", "/v1/metrics"),
        (&["--push.otlp.endpoint=127.0.0.1:4318"], "\"127.0.0.1:4318\" is not an address", "http"),
        (
            &["--push.otlp.endpoint=http://user:pw@x:99999/"],
            "\"http://…@x:99999/\" is not a URL (invalid port number)",
            "expected",
        ),
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
fn an_instance_is_given_or_this_machines_and_told_apart_where_there_are_many() {
    let instance = |args: &[&str], port, which| {
        let all = [&[WRITE, GATEWAY], args].concat();
        let plan = of_one(&all, &[], port, which).expect("sound");
        plan.config.expect("pushed").identity.instance
    };
    let process = instance(&[], None, None);
    let machine = process.strip_suffix(&format!("-{}", std::process::id())).expect("its id");
    assert!(!machine.is_empty() && !machine.contains(':'), "{machine}");
    assert_eq!(instance(&[], Some(1), None), format!("{machine}:1"));
    assert_eq!(instance(&["--push.instance=a"], Some(1), None), "a");
    assert_eq!(instance(&["--push.instance=a"], None, Some("w1")), "a-w1");
    let plan = of_one(&[GATEWAY], &[], None, Some("w1")).expect("sound");
    let grouping = plan.config.expect("pushed").pushgateway.expect("told").grouping;
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

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://ana:s3cret@c:4318");

#[test]
fn a_variable_of_opentelemetry_turns_otlp_on_and_is_named() {
    let (pushed, plan) = otlp(&[], &[ENDPOINT]);
    assert_eq!(pushed.expect("on").target.url.as_str(), "http://c:4318/v1/metrics");
    assert_eq!(plan.otlp_by, Some("OTEL_EXPORTER_OTLP_ENDPOINT"));
    assert!(!format!("{plan:?}").contains("s3cret"));
    let (pushed, plan) = otlp(
        &[],
        &[
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m:1/push"),
            ("OTEL_METRICS_EXPORTER", "console,otlp"),
        ],
    );
    assert_eq!(pushed.expect("on").target.url.as_str(), "http://m:1/push");
    assert_eq!(plan.otlp_by, Some("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"));
}

#[test]
fn variables_of_opentelemetry_turn_otlp_off_but_not_against_our_flag() {
    for off in [("OTEL_SDK_DISABLED", "true"), ("OTEL_METRICS_EXPORTER", "none")] {
        for args in [&[][..], &[WRITE]] {
            let (pushed, plan) = otlp(args, &[ENDPOINT, off]);
            assert!(pushed.is_none() && plan.ignored.is_empty(), "{off:?}");
            let line = plan.otlp_off.expect("said");
            for named in [off.0, ENDPOINT.0, "--push.otlp.endpoint"] {
                assert!(line.contains(named) && !line.contains("s3cret"), "{line}");
            }
        }
        assert_eq!(otlp(&[], &[off]).1.otlp_off, None, "nothing would be pushed without it");
        let (pushed, plan) = otlp(&["--push.otlp.endpoint=http://f:1"], &[ENDPOINT, off]);
        assert_eq!(plan.otlp_off, None);
        assert_eq!(pushed.expect("on").target.url.host_str(), Some("f"));
        assert_eq!(plan.otlp_by, None);
    }
}

#[test]
fn our_flags_win_over_variables_of_opentelemetry_and_those_over_defaults() {
    let variables = [
        ENDPOINT,
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "3000"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "X-Key=1,x-other=2"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "7000"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team=a,stage=qa"),
        ("OTEL_SERVICE_NAME", "shop"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "base2_exponential_bucket_histogram",
        ),
    ];
    let (pushed, plan) = otlp(&[], &variables);
    let pushed = pushed.expect("on");
    assert_eq!((pushed.protocol, pushed.gzip), (push::Protocol::Grpc, false));
    assert_eq!(pushed.timeout, Some(Duration::from_secs(3)));
    assert_eq!(pushed.histograms, push::Histograms::Exponential);
    assert_eq!(plan.config.expect("on").interval, Duration::from_secs(7));
    let attribute = |pushed: &push::Otlp, key: &str| {
        pushed.resource.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    };
    assert_eq!(attribute(&pushed, "service.name").as_deref(), Some("shop"));
    let (pushed, plan) = otlp(
        &[
            "--push.otlp.protocol=http/protobuf",
            "--push.otlp.compression=gzip",
            "--push.otlp.header=X-Key=ours",
            "--push.otlp.resource-attribute=team=b",
            "--push.otlp.histogram=explicit",
            "--push.timeout=2s",
            "--push.interval=1s",
            "--push.job=job",
        ],
        &variables,
    );
    let pushed = pushed.expect("on");
    assert_eq!((pushed.protocol, pushed.gzip), (push::Protocol::Http, true));
    assert_eq!((pushed.timeout, pushed.histograms), (None, push::Histograms::Explicit));
    assert_eq!(attribute(&pushed, "team").as_deref(), Some("b"));
    assert_eq!(attribute(&pushed, "stage").as_deref(), Some("qa"));
    assert_eq!(attribute(&pushed, "service.name"), None, "it is the job's to say");
    let headers: Vec<_> =
        pushed.target.headers.iter().map(|(n, v)| (&**n, v.expose_secret())).collect();
    assert_eq!(headers, [("X-Key", "ours"), ("x-other", "2")]);
    assert_eq!(plan.config.expect("on").interval, Duration::from_secs(1));
}

#[test]
fn a_wrong_variable_of_opentelemetry_is_told_and_ends_nothing() {
    let (pushed, plan) = otlp(&[], &[("OTEL_EXPORTER_OTLP_ENDPOINT", "ana:s3cret@nowhere")]);
    assert!(pushed.is_none());
    let [line] = &plan.ignored[..] else { panic!("{:?}", plan.ignored) };
    assert!(line.contains("OTEL_EXPORTER_OTLP_ENDPOINT") && !line.contains("s3cret"), "{line}");
    let (pushed, plan) = otlp(&[], &[ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")]);
    assert!(pushed.is_some());
    assert!(plan.ignored[0].contains("http/json"), "{:?}", plan.ignored);
}

/// Headers of requests by OTLP.
fn headers(pushed: &push::Otlp) -> Vec<(&str, &str)> {
    pushed.target.headers.iter().map(|(n, v)| (&**n, v.expose_secret())).collect()
}

#[test]
fn a_wrong_file_of_opentelemetrys_variables_is_told_and_ends_nothing() {
    for (variables, words) in [
        (&[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nonexistent")][..], "/nonexistent"),
        (&[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/dev/null")], "a device"),
        (&[("OTEL_EXPORTER_OTLP_CLIENT_KEY", "key.pem")], "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
        (
            &[("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", "cert.pem")],
            "OTEL_EXPORTER_OTLP_CLIENT_KEY is missing",
        ),
        (
            &[
                ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/nonexistent"),
                ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nonexistent too"),
            ],
            "/nonexistent\"",
        ),
    ] {
        let (pushed, plan) = otlp(&[], &[&[ENDPOINT], variables].concat());
        let tls = pushed.expect("on").target.tls;
        assert_eq!((tls.ca_file, tls.cert_file, tls.key_file), (None, None, None));
        let [line] = &plan.ignored[..] else { panic!("{:?}", plan.ignored) };
        assert!(line.starts_with(variables[0].0) && line.contains(words), "{line}");
        assert!(!line.contains("--push"), "{line}");
    }
}

#[test]
fn a_file_of_our_flags_stands_in_the_place_of_a_wrong_one_of_a_variable() {
    let variables = [
        ENDPOINT,
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nonexistent"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nonexistent"),
    ];
    let args =
        ["--push.otlp.tls.ca-file=a", "--push.otlp.tls.cert-file=c", "--push.otlp.tls.key-file=k"];
    let (pushed, plan) = otlp(&args, &variables);
    assert_eq!(plan.ignored, [""; 0]);
    let tls = pushed.expect("on").target.tls;
    let files = [tls.ca_file, tls.cert_file, tls.key_file];
    assert_eq!(files, ["a", "c", "k"].map(|file| Some(PathBuf::from(file))));
}

#[test]
fn credentials_of_the_variables_go_to_no_other_host() {
    let variables = [
        ENDPOINT,
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3cret"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/nonexistent"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nonexistent"),
    ];
    let (pushed, plan) = otlp(&["--push.otlp.endpoint=http://other:4318"], &variables);
    let pushed = pushed.expect("on");
    assert!(headers(&pushed).is_empty(), "{:?}", pushed.target);
    assert_eq!(pushed.target.tls.cert_file, None);
    let [line] = &plan.ignored[..] else { panic!("{:?}", plan.ignored) };
    for (variable, _) in &variables[1..] {
        assert!(line.contains(variable) && line.contains("--push.otlp.endpoint"), "{line}");
    }
    assert!(!line.contains("s3cret"), "{line}");
    assert_eq!(headers(&otlp(&[], &variables[..2]).0.expect("on")), [("api-key", "s3cret")]);
}

#[test]
fn a_variables_header_that_would_break_the_protocol_is_told_and_not_sent() {
    let variables =
        [ENDPOINT, ("OTEL_EXPORTER_OTLP_HEADERS", "Content-Encoding=zstd,api-key=s3cret")];
    let (pushed, plan) = otlp(&[], &variables);
    assert_eq!(headers(&pushed.expect("on")), [("api-key", "s3cret")]);
    let [line] = &plan.ignored[..] else { panic!("{:?}", plan.ignored) };
    assert!(line.contains("OTEL_EXPORTER_OTLP_HEADERS: Content-Encoding"), "{line}");
    assert!(!line.contains("s3cret") && !line.contains("zstd"), "{line}");
}

#[test]
fn an_endpoint_of_none_turns_otlp_off_whatever_the_variables_say() {
    for none in ["none", " None "] {
        let variables = [ENDPOINT, ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")];
        let (pushed, plan) = otlp(&["--push.otlp.endpoint", none], &variables);
        assert!(pushed.is_none() && plan.ignored.is_empty(), "{:?}", plan.ignored);
    }
    // As a chart leaves it open.
    assert!(otlp(&["--push.otlp.endpoint="], &[ENDPOINT]).0.is_some());
}

#[test]
fn a_header_of_a_flag_may_have_any_character_that_a_name_can() {
    let config = config(&["--push.otlp.endpoint=http://c", "--push.otlp.header=a%!#b=1"]);
    assert_eq!(headers(&config.otlp.expect("told")), [("a%!#b", "1")]);
}
