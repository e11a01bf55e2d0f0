use secrecy::ExposeSecret as _;

use super::*;

fn read(variables: &[(&str, &str)]) -> (OtlpEnv, Vec<String>) {
    let lookup = |name: &str| {
        variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let (env, ignored) = OtlpEnv::read(&lookup);
    (env, ignored.iter().map(ToString::to_string).collect())
}

/// What the variables say, where all is heeded.
fn heeded(variables: &[(&str, &str)]) -> OtlpEnv {
    let (env, ignored) = read(variables);
    assert_eq!(ignored, [""; 0]);
    env
}

fn headers(env: &OtlpEnv) -> Vec<(&str, &str)> {
    let headers = env.headers.iter().flat_map(|said| &said.value);
    headers.map(|(name, value)| (&**name, value.expose_secret())).collect()
}

fn address(variables: &[(&str, &str)], protocol: Protocol) -> String {
    heeded(variables).endpoint.unwrap().address(protocol).expose_secret().to_owned()
}

#[test]
fn what_is_not_said_is_absent() {
    let nothing = format!("{:?}", OtlpEnv::default());
    assert_eq!(format!("{:?}", heeded(&[])), nothing);
    let empty = OtlpEnv::read(&|_| Some("  ".to_owned()));
    assert_eq!((format!("{:?}", empty.0), empty.1), (nothing, vec![]));
}

#[test]
fn the_path_of_metrics_is_added_to_the_common_endpoint_alone() {
    const ALL: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    const METRICS: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    for (variable, given, wanted) in [
        (ALL, "http://collector:4318", "http://collector:4318/v1/metrics"),
        (ALL, "http://collector:4318/mine/", "http://collector:4318/mine/v1/metrics"),
        (ALL, "https://a.example/x?key=1", "https://a.example/x/v1/metrics?key=1"),
        (METRICS, "https://a.example/v1/metrics/", "https://a.example/v1/metrics/"),
        (METRICS, "http://collector:4318", "http://collector:4318"),
    ] {
        assert_eq!(address(&[(variable, given)], Protocol::Http), wanted);
        assert_eq!(address(&[(variable, given)], Protocol::Grpc), given);
    }
    let both = [(ALL, "http://all"), (METRICS, "http://metrics/x")];
    assert_eq!(address(&both, Protocol::Http), "http://metrics/x");
    assert_eq!(heeded(&both).endpoint.unwrap().variable, METRICS);
}

#[test]
fn grpc_without_a_scheme_is_secure_unless_told_otherwise() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317");
    let all = "OTEL_EXPORTER_OTLP_INSECURE";
    assert_eq!(address(&[endpoint], Protocol::Grpc), "https://collector:4317");
    assert_eq!(address(&[endpoint, (all, "TRUE")], Protocol::Grpc), "http://collector:4317");
    let metrics = ("OTEL_EXPORTER_OTLP_METRICS_INSECURE", "false");
    assert_eq!(
        address(&[endpoint, (all, "true"), metrics], Protocol::Grpc),
        "https://collector:4317"
    );
    // A scheme wins.
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://collector:4317");
    assert_eq!(address(&[endpoint, (all, "true")], Protocol::Grpc), "https://collector:4317");
}

#[test]
fn what_is_for_metrics_alone_wins() {
    let env = heeded(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "gRPC"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2500"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "none"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=1,b=2"),
        ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "c=3"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "all.pem"),
        ("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "metrics.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "all.key"),
        ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "metrics.key"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "client.pem"),
    ]);
    assert_eq!(env.protocol, Some(Protocol::Grpc));
    assert_eq!(env.timeout, Some(Duration::from_millis(2_500)));
    assert_eq!(env.gzip, Some(false));
    assert_eq!(headers(&env), [("c", "3")]);
    let file = |variable, path| Some(Said { variable, value: PathBuf::from(path) });
    assert_eq!(env.ca_file, file("OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "metrics.pem"));
    assert_eq!(env.key_file, file("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "metrics.key"));
    assert_eq!(env.cert_file, file("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "client.pem"));
}

#[test]
fn headers_are_decoded_and_never_shown() {
    let all = "OTEL_EXPORTER_OTLP_HEADERS";
    let env = heeded(&[(all, " api-key = s%2Ccret%C3%A9 ,Authorization=Basic YTpi==, ,x=")]);
    assert_eq!(
        headers(&env),
        [("api-key", "s,creté"), ("Authorization", "Basic YTpi=="), ("x", "")]
    );
    // A percent sign may be in a name, where it stands for itself.
    assert_eq!(headers(&heeded(&[(all, "a%b=1")])), [("a%b", "1")]);
    assert!(!format!("{env:?}").contains("creté"), "{env:?}");
    for (given, wanted) in [
        ("a=1,secret", "entry 2 is not KEY=VALUE (a comma in a value is written %2C)"),
        ("=secret", "entry 1 is not KEY=VALUE (a comma in a value is written %2C)"),
        ("a=secret%", "entry 1 is not percent-encoded UTF-8 (a percent sign is written %25)"),
        ("a=%FFsecret", "entry 1 is not percent-encoded UTF-8 (a percent sign is written %25)"),
        (
            "a=secret%0A",
            "entry 1 is no header that HTTP can hold: give NAME=VALUE in visible characters",
        ),
        (
            "a secret=1",
            "entry 1 is no header that HTTP can hold: give NAME=VALUE in visible characters",
        ),
    ] {
        let (env, ignored) = read(&[(all, given)]);
        assert_eq!(ignored, [format!("{all} is ignored: {wanted}")]);
        assert!(env.headers.is_none());
    }
}

#[test]
fn a_password_in_the_endpoint_is_never_shown() {
    let env = heeded(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:secret@collector")]);
    assert!(!format!("{env:?}").contains("secret"), "{env:?}");
}

#[test]
fn resource_attributes_are_decoded_and_the_service_name_wins() {
    let all = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,team=x%3Dy,r%C3%A4um=1,team=z");
    let pairs = |env: OtlpEnv| {
        let resource = env.resource.unwrap();
        resource.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(pairs(heeded(&[all])), ["service.name=a", "team=z", "räum=1"]);
    let name = ("OTEL_SERVICE_NAME", "shop, 100%");
    assert_eq!(pairs(heeded(&[all, name])), ["service.name=shop, 100%", "team=z", "räum=1"]);
    assert_eq!(pairs(heeded(&[name])), ["service.name=shop, 100%"]);
    // One wrong entry, and the whole list is discarded.
    let (env, ignored) = read(&[("OTEL_RESOURCE_ATTRIBUTES", "a=1,b=%G0"), name]);
    assert_eq!(pairs(env), ["service.name=shop, 100%"]);
    assert_eq!(ignored.len(), 1);
}

#[test]
fn exporters_without_otlp_turn_it_off() {
    let exporter = |value| heeded(&[("OTEL_METRICS_EXPORTER", value)]).is_exporter;
    for (value, wanted) in
        [("otlp", true), ("console, OTLP", true), ("none", false), ("prometheus,console", false)]
    {
        assert_eq!(exporter(value), Some(wanted), "{value}");
    }
    let (env, ignored) = read(&[("OTEL_METRICS_EXPORTER", "oltp")]);
    assert_eq!(env.is_exporter, None);
    assert_eq!(
        ignored,
        [r#"OTEL_METRICS_EXPORTER="oltp" is ignored: give otlp, or none to push no metrics"#]
    );
    assert_eq!(heeded(&[("OTEL_SDK_DISABLED", "True")]).is_disabled, Some(true));
    let (env, ignored) = read(&[("OTEL_SDK_DISABLED", "1")]);
    assert_eq!((env.is_disabled, ignored.len()), (Some(false), 1));
}

#[test]
fn times_are_whole_milliseconds() {
    let timeout = "OTEL_EXPORTER_OTLP_TIMEOUT";
    assert_eq!(heeded(&[(timeout, "0")]).timeout, Some(NO_LIMIT));
    assert_eq!(heeded(&[(timeout, "99999999999999")]).timeout, Some(NO_LIMIT));
    let interval = "OTEL_METRIC_EXPORT_INTERVAL";
    assert_eq!(heeded(&[(interval, "500")]).interval, Some(Duration::from_millis(500)));
    assert_eq!(heeded(&[(interval, "100")]).interval, Some(LEAST_INTERVAL));
    for (variable, value) in [
        (timeout, "-1"),
        (timeout, "10s"),
        (interval, "0"),
        (interval, "1"),
        (interval, "99"),
        (interval, "1.5"),
    ] {
        let (env, ignored) = read(&[(variable, value)]);
        assert_eq!((env.timeout, env.interval), (None, None));
        assert!(ignored[0].starts_with(&format!("{variable}={value:?} is ignored: give a whole")));
        assert_eq!(ignored[0].ends_with("100 at least"), variable == interval, "{ignored:?}");
    }
}

#[test]
fn what_is_not_understood_is_told_and_counts_as_not_set() {
    let (env, ignored) = read(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "best"),
    ]);
    assert_eq!((env.protocol, env.gzip, env.histograms), (Some(Protocol::Grpc), None, None));
    assert_eq!(
        ignored,
        [
            r#"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="Delta" is ignored: all that is pushed is cumulative"#,
            r#"OTEL_EXPORTER_OTLP_METRICS_PROTOCOL="http/json" is ignored: give grpc or http/protobuf (http/json is not supported)"#,
            r#"OTEL_EXPORTER_OTLP_COMPRESSION="zstd" is ignored: give gzip or none"#,
            r#"OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION="best" is ignored: give explicit_bucket_histogram or base2_exponential_bucket_histogram"#,
        ]
    );
    let env = heeded(&[
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "BASE2_EXPONENTIAL_BUCKET_HISTOGRAM",
        ),
    ]);
    assert_eq!(env.histograms, Some(Histograms::Exponential));
}
