use super::*;

fn texts(name: &str, texts: &[&str]) -> (String, Given) {
    (name.to_owned(), Given::Texts(texts.iter().map(|&text| text.to_owned()).collect()))
}

fn of(given: &[(String, Given)]) -> Result<Settings, String> {
    settings(given)
}

#[test]
fn the_definition_is_sound() {
    command_with_variables().debug_assert();
    command().debug_assert();
}

#[test]
fn nothing_given_is_the_defaults() {
    let settings = of(&[]).expect("the defaults are sound");
    assert_eq!(settings.recorder, recorder::Config::default());
    assert_eq!(settings.schema.schemas, [schema::Schema::Standard]);
    assert_eq!(settings.schema.view, View::Inside { duration_by_status: false });
    assert_eq!(settings.web.telemetry_path, "/metrics");
    assert_eq!(settings.web.lifecycle, web::Lifecycle::Nobody);
    assert!(settings.web.listen.is_empty() && !settings.web.created);
    assert_eq!(settings.testplan, None);
}

#[test]
fn the_written_defaults_of_the_options_are_accepted() {
    let given: Vec<_> = options()
        .into_iter()
        .filter_map(|option| Some(texts(&option.name, &[&option.default?])))
        .collect();
    assert!(given.len() > 8);
    let settings = of(&given).expect("defaults");
    assert_eq!(settings.recorder, recorder::Config::default());
}

#[test]
fn every_option_is_a_variable_named_after_it() {
    for option in options() {
        if option.name == "locust.namespace" {
            assert_eq!(option.variable, "LOCUST_METRIC_NAMESPACE", "as the Go exporters named it");
            continue;
        }
        let derived = format!("LOCUST_EXPORTER_{}", option.name.replace(['.', '-'], "_"));
        assert_eq!(option.variable, derived.to_uppercase());
        assert!(!option.help.is_empty() && !option.help.contains('\n'), "{}", option.name);
    }
}

#[test]
fn what_would_end_or_change_locust_is_no_option() {
    let names: Vec<_> = options().into_iter().map(|option| option.name).collect();
    assert!(names.contains(&"web.listen-address".to_owned()));
    for absent in ["web.enable-lifecycle", "web.systemd-socket", "exit-after-test", "locust.uri"] {
        assert!(!names.contains(&absent.to_owned()), "{absent}");
        assert!(of(&[texts(absent, &["1"])]).is_err(), "{absent}");
    }
}

#[test]
fn a_list_and_a_repeated_option_are_the_same() {
    let one = of(&[texts("metrics.buckets", &["0.5,1"])]).expect("a list");
    let two = of(&[texts("metrics.buckets", &["0.5", "1"])]).expect("two");
    assert_eq!(one.recorder.buckets, [0.5, 1.0]);
    assert_eq!(one.recorder, two.recorder);
}

#[test]
fn a_switch_is_on_off_or_refused() {
    let switch = |given| of(&[("metrics.duration-by-status".to_owned(), given)]);
    assert!(switch(Given::Switch(true)).expect("on").recorder.by_status);
    assert!(!switch(Given::Switch(false)).expect("off").recorder.by_status);
    assert!(switch(Given::Texts(vec!["yes".to_owned()])).expect("on").recorder.by_status);
    let error = switch(Given::Texts(vec!["maybe".to_owned()])).expect_err("neither");
    assert!(error.contains("--exporter-metrics-duration-by-status"), "{error}");
    assert!(error.contains("'maybe'") && error.contains("yes or on"), "{error}");
}

#[test]
fn what_is_wrong_is_named_as_locust_names_it_in_one_line() {
    for (name, value, flag) in [
        ("web.max-requests", "many", "--exporter-web-max-requests"),
        ("web.listen-address", "nowhere", "--exporter-web-listen-address"),
        ("metrics.schema", "modern", "--exporter-metrics-schema"),
        ("metrics.buckets", "1,0.5", "--exporter-metrics-buckets"),
        ("metrics.buckets", "soon", "--exporter-metrics-buckets"),
        ("locust.namespace", "9lives", "--exporter-locust-namespace"),
        ("label", "status=1", "--exporter-label"),
        ("label", "nothing", "--exporter-label"),
        ("last-scrape-timeout", "5", "--exporter-last-scrape-timeout"),
    ] {
        let error = of(&[texts(name, &value.split(',').collect::<Vec<_>>())]).expect_err(name);
        assert!(error.contains(flag), "{error}");
        assert!(!error.contains("--metrics.") && !error.contains("--web."), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn only_what_is_a_flag_is_renamed() {
    let text = "see --web.config.file and --web.tls, not web.config.file";
    let renamed = "see --exporter-web-config-file and --web.tls, not web.config.file";
    assert_eq!(in_locusts_words(text), renamed);
}

#[test]
fn what_is_pushed_is_named_as_locust_names_it() {
    let url = "http://p:9090/api/v1/write";
    let given = [texts("push.remote-write.url", &[url])];
    let of = |given: &[_], worker| push(given, &["127.0.0.1:7".to_owned()], worker, false);
    let plan = of(&given, None).expect("sound");
    assert!(plan.config.expect("a master pushes").identity.instance.ends_with(":7"));
    let plan = of(&given, Some("w_1")).expect("sound");
    assert!(plan.config.is_none(), "a worker does not by itself");
    let all = [&given[..], &[("push.workers".to_owned(), Given::Switch(true))]].concat();
    let plan = of(&all, Some("w_1")).expect("sound");
    assert!(plan.config.expect("it is told to").identity.instance.ends_with("-w_1"));
    let error = of(&[texts("push.remote-write.url", &["p"])], None).expect_err("no URL");
    assert!(error.starts_with("--exporter-push-remote-write-url: "), "{error}");
}

#[test]
fn advice_names_groups_of_flags_as_they_are_inside_locust() {
    for (text, inside) in [
        ("look in --push.otlp.*, or", "look in --exporter-push-otlp-*, or"),
        ("--push.remote-write.tls.*", "--exporter-push-remote-write-tls-*"),
        (
            "--pushgateway.* and --push.otlp.endpoint",
            "--exporter-pushgateway-* and --exporter-push-otlp-endpoint",
        ),
    ] {
        assert_eq!(in_locusts_words(text), inside);
    }
}
