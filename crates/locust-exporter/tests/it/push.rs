//! Pushing, as users meet it: a last push at the end, errors of options, nothing secret shown.

use std::time::Duration;

use e2e::process::Signal;
use tempfile::TempDir;

use crate::answers::in_state;
use crate::exporter::{Exporter, PATIENCE, Plan, assert_is};
use crate::locust::Locust;
use crate::receiver::{Push, Receiver};

/// An exporter that pushes to this receiver by OTLP, readably, at its start and its end alone.
fn pushing(locust: &Locust, receiver: &Receiver) -> Plan {
    Plan::of(locust)
        .arg(format!("--push.otlp.endpoint=http://{}", receiver.address()))
        .args(&["--push.otlp.compression=none", "--push.interval=1h"])
}

/// Waits until so many requests have come, and gives all.
#[track_caller]
fn wait_pushed(receiver: &Receiver, least: usize) -> Vec<Push> {
    let pushed = || Ok(Some(receiver.pushes()).filter(|pushes| pushes.len() >= least));
    e2e::net::wait_closely("something is pushed", PATIENCE, pushed).unwrap()
}

#[test]
fn the_first_push_is_at_the_start_and_the_last_on_sigterm() {
    let (locust, receiver) = (Locust::running(), Receiver::answering("200 OK"));
    let mut exporter = pushing(&locust, &receiver).start();
    let first = wait_pushed(&receiver, 1);
    assert_eq!(first[0].line, "POST /v1/metrics HTTP/1.1");
    assert!(first.iter().any(|push| push.says("locust_users_running")));
    let before = receiver.pushes().len();
    exporter.signal(Signal::TERM);
    assert_eq!(exporter.wait(), Some(0));
    let last = receiver.pushes().split_off(before);
    assert!(last.iter().any(|push| push.says("locust_users_running")), "{}", exporter.log());
}

#[test]
fn what_is_pushed_is_told_and_is_no_scrape() {
    let (locust, receiver) = (Locust::running(), Receiver::answering("200 OK"));
    let exporter = pushing(&locust, &receiver).start();
    wait_pushed(&receiver, 1);
    let told = || {
        let sink = [("sink", "otlp")];
        let sent = exporter.scrape().value("locust_exporter_push_sent_points_total", &sink)?;
        Ok((sent > 0.0).then_some(()))
    };
    e2e::net::wait_closely("the points are told of", PATIENCE, told).unwrap();
    let scrape = exporter.scrape();
    let sink = [("sink", "otlp")];
    assert_is(&scrape, "locust_exporter_push_queued_points", &sink, 0.0);
    assert_is(&scrape, "locust_exporter_push_failures_total", &sink, 0.0);
    let refused = [("sink", "otlp"), ("reason", "refused")];
    assert_is(&scrape, "locust_exporter_push_dropped_points_total", &refused, 0.0);
    assert!(exporter.told(&["level=info", "pushing by OTLP", "http/protobuf"]).len() == 1);
}

#[test]
fn a_backend_that_is_not_there_keeps_no_scrape_and_no_end_waiting() {
    let locust = Locust::running();
    let mut exporter = Plan::of(&locust)
        .arg("--push.remote-write.url=http://127.0.0.1:1/write")
        .arg("--push.final-timeout=300ms")
        .start();
    assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
    exporter.signal(Signal::TERM);
    assert_eq!(exporter.wait(), Some(0));
}

#[test]
fn a_second_signal_ends_it_without_the_last_push() {
    let locust = Locust::running();
    let mut exporter = Plan::of(&locust)
        .arg("--push.remote-write.url=http://127.0.0.1:1/write")
        .arg("--push.final-timeout=1h")
        .start();
    exporter.scrape();
    exporter.signal(Signal::INT);
    exporter.wait_told(&["ending: SIGINT"]);
    // Within a second it would be the same one.
    std::thread::sleep(Duration::from_millis(1_100));
    exporter.signal(Signal::INT);
    assert_eq!(exporter.wait(), Some(0));
    assert_eq!(exporter.told(&["level=warn", "ending at once: SIGINT", "spool"]).len(), 1);
}

#[test]
fn two_signals_within_20_ms_do_not_cut_the_last_push() {
    let locust = Locust::running();
    for _ in 0..12 {
        let receiver = Receiver::answering("200 OK");
        let mut exporter = pushing(&locust, &receiver).start();
        wait_pushed(&receiver, 1);
        let before = receiver.pushes().len();
        exporter.signal(Signal::TERM);
        std::thread::sleep(Duration::from_millis(5));
        exporter.signal(Signal::TERM);
        assert_eq!(exporter.wait(), Some(0));
        let last = receiver.pushes().split_off(before);
        assert!(last.iter().any(|push| push.says("locust_users_running")), "{}", exporter.log());
        assert!(exporter.told(&["ending at once"]).is_empty(), "{}", exporter.log());
        assert_eq!(
            exporter.told(&["level=info", "the first push has arrived", "sink=otlp"]).len(),
            1
        );
        let told = exporter.told(&["level=info", "the last push has arrived", "points=", "at=2"]);
        assert_eq!(told.len(), 1, "{}", exporter.log());
    }
}

#[test]
fn where_something_is_pushed_the_end_of_the_test_waits_for_no_scrape() {
    let (locust, receiver) = (Locust::running(), Receiver::answering("200 OK"));
    locust.set_stats(in_state("stopped"));
    let mut exporter = pushing(&locust, &receiver)
        .args(&["--exit-after-test", "--exit-after-test.timeout=10m"])
        .start();
    assert_eq!(exporter.wait(), Some(0));
    assert_eq!(exporter.told(&["level=info", "its last numbers are pushed"]).len(), 1);
    assert!(receiver.pushes().len() >= 2, "one at the start, one at the end");
}

#[test]
fn a_run_that_only_pushes_has_no_port() {
    let (locust, receiver) = (Locust::running(), Receiver::answering("200 OK"));
    locust.set_stats(in_state("stopped"));
    let ended = pushing(&locust, &receiver)
        .args(&["--web.listen-address=none", "--exit-after-test"])
        .ends();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(receiver.pushes().len() >= 2, "one at the start, one at the end");
    let log = ended.lines.join("\n");
    assert!(log.contains("listening nowhere") && !log.contains("address="), "{log}");
}

#[test]
fn no_port_and_no_push_leave_nothing_to_do() {
    for args in [&["--web.listen-address=none"][..], &["--web.listen-address=none,:9646"]] {
        let ended = Plan::new().args(args).ends();
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let line = &ended.lines[0];
        assert!(line.contains("--web.listen-address: none"), "{line}");
    }
}

#[test]
fn a_port_that_the_system_chose_is_in_the_instance() {
    let (locust, receiver) = (Locust::running(), Receiver::answering("200 OK"));
    let exporter = pushing(&locust, &receiver).start();
    let port = exporter.address().port();
    let first = wait_pushed(&receiver, 1);
    assert!(first.iter().any(|push| push.says(&format!(":{port}"))), "{}", exporter.log());
}

#[test]
fn a_variable_of_opentelemetry_turns_it_on_and_is_named() {
    let (locust, receiver) = (Locust::running(), Receiver::answering("200 OK"));
    let endpoint = format!("http://{}", receiver.address());
    let exporter = Plan::of(&locust).var("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).start();
    wait_pushed(&receiver, 1);
    assert_eq!(exporter.told(&["pushing by OTLP", "OTEL_EXPORTER_OTLP_ENDPOINT"]).len(), 1);
}

#[test]
fn a_variable_that_keeps_it_off_is_named_where_another_would_have_turned_it_on() {
    let exporter = Plan::of(&Locust::running())
        .var("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
        .var("OTEL_SDK_DISABLED", "true")
        .start();
    let words = ["level=info", "OTEL_SDK_DISABLED=true keeps OTLP off"];
    assert_eq!(exporter.told(&words).len(), 1);
    assert!(exporter.told(&["pushing by OTLP"]).is_empty());
}

#[test]
fn a_pushgateway_gets_the_state_by_put_under_its_group() {
    let (locust, receiver) = (Locust::running(), Receiver::answering("200 OK"));
    let _exporter = Plan::of(&locust)
        .var("LOCUST_EXPORTER_PUSHGATEWAY_URL", format!("http://{}", receiver.address()))
        .arg("--pushgateway.grouping=instance=ci")
        .start();
    let push = wait_pushed(&receiver, 1).remove(0);
    assert_eq!(push.line, "PUT /metrics/job/locust/instance/ci HTTP/1.1");
}

#[test]
fn a_pushgateway_without_a_scheme_is_asked_by_http() {
    let (locust, receiver) = (Locust::running(), Receiver::answering("200 OK"));
    let _exporter =
        Plan::of(&locust).arg(format!("--pushgateway.url={}", receiver.address())).start();
    let push = wait_pushed(&receiver, 1).remove(0);
    assert_eq!(push.line, "PUT /metrics/job/locust HTTP/1.1");
}

#[test]
fn credentials_are_sent_and_never_shown() {
    let (locust, receiver) = (Locust::running(), Receiver::answering("401 Unauthorized"));
    let mut exporter = Plan::of(&locust)
        .arg(format!("--push.remote-write.url=http://ana:s3cret@{}/write", receiver.address()))
        .args(&["--push.remote-write.header=X-Key=s3cret", "--log.level=debug"])
        .arg(format!("--push.otlp.endpoint=http://{}", receiver.address()))
        .var("LOCUST_EXPORTER_PUSH_OTLP_BEARER_TOKEN", "s3cret")
        .start();
    let pushes = wait_pushed(&receiver, 2);
    let sends = |header: &str| {
        let has = |push: &Push| push.headers.iter().any(|it| it.eq_ignore_ascii_case(header));
        pushes.iter().any(has)
    };
    // ana:s3cret
    assert!(sends("authorization: Basic YW5hOnMzY3JldA=="), "{pushes:?}");
    assert!(sends("x-key: s3cret"), "{pushes:?}");
    assert!(sends("authorization: Bearer s3cret"), "{pushes:?}");
    let shown = [
        exporter.get("/metrics").text().unwrap().to_owned(),
        exporter.get("/").text().unwrap().to_owned(),
    ];
    exporter.signal(Signal::TERM);
    exporter.wait();
    for text in shown.iter().chain([&exporter.log()]) {
        assert!(!text.contains("s3cret") && !text.contains("YW5hOnMzY3JldA"), "{text}");
    }
}

/// Asserts that it ends with this code and one line, which has all these words and no secret.
#[track_caller]
fn assert_ends(plan: Plan, code: i32, words: &[&str]) {
    let ended = plan.arg("--web.listen-address=127.0.0.1:0").ends();
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert_eq!(ended.lines.len(), 1, "{ended:?}");
    for word in words {
        assert!(ended.lines[0].contains(word), "{word:?} is not in {ended:?}");
    }
    assert!(!ended.lines[0].contains("s3cret"), "{ended:?}");
}

#[test]
fn mistaken_options_end_with_2_and_a_line_that_names_them() {
    for (arg, words) in [
        ("--push.remote-write.url=ana:s3cret@p", &["--push.remote-write.url"][..]),
        (
            "--push.remote-write.version=3",
            &["--push.remote-write.version", "'3'", "auto, 1.0, 2.0"],
        ),
        ("--push.remote-write.password=s3cret", &["--push.remote-write.password"]),
        ("--push.queue.max-bytes=64MB", &["--push.queue.max-bytes", "64MiB"]),
        ("--push.otlp.protocol=http/json", &["--push.otlp.protocol", "grpc, http/protobuf"]),
        ("--push.otlp.header=s3cret", &["--push.otlp.header", "NAME=VALUE"]),
        ("--pushgateway.interval=10", &["--pushgateway.interval", "'10'", "5s"]),
        ("--pushgateway.grouping=job=x", &["--pushgateway.grouping", "--pushgateway.job"]),
    ] {
        let plan = Plan::new().args(&[
            "--push.otlp.endpoint=http://127.0.0.1:1",
            "--pushgateway.url=http://127.0.0.1:1",
        ]);
        assert_ends(plan.arg(arg), 2, words);
    }
    let plan = Plan::new().var("LOCUST_EXPORTER_PUSHGATEWAY_URL", "ftp://ana:s3cret@p");
    assert_ends(plan, 2, &["variable LOCUST_EXPORTER_PUSHGATEWAY_URL"]);
}

#[test]
fn files_and_folders_that_cannot_be_used_end_it_with_a_line_that_names_the_flag() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no certificate").unwrap();
    let file = file.display().to_string();
    let to = "--push.remote-write.url=https://127.0.0.1:1/write";
    let plan = || Plan::new().arg(to);
    let spool = plan().arg(format!("--push.spool.path={file}/spool"));
    assert_ends(spool, 2, &["--push.spool.path", &file]);
    let ca = plan().arg(format!("--push.remote-write.tls.ca-file={file}"));
    assert_ends(ca, 2, &["--push.remote-write.tls.ca-file", &file]);
    // Of both backends, the one whose token it is.
    let token = folder.path().join("token");
    std::fs::write(&token, "s3cret\u{1}").unwrap();
    let token = plan()
        .arg("--push.otlp.endpoint=http://127.0.0.1:1")
        .arg(format!("--push.otlp.bearer-token-file={}", token.display()));
    assert_ends(token, 2, &["msg=\"--push.otlp.bearer-token-file: "]);
}

#[test]
fn a_spool_belongs_to_one_exporter_and_keeps_what_could_not_be_delivered() {
    let (locust, folder) = (Locust::running(), TempDir::new().unwrap());
    let plan = |url: String| {
        Plan::of(&locust)
            .arg(format!("--push.otlp.endpoint={url}"))
            .arg(format!("--push.spool.path={}", folder.path().display()))
            .args(&["--push.otlp.compression=none", "--push.interval=1h"])
            .arg("--push.final-timeout=500ms")
    };
    let mut exporter: Exporter = plan("http://127.0.0.1:1".to_owned()).start();
    exporter.scrape();
    assert_ends(plan("http://127.0.0.1:1".to_owned()), 1, &["--push.spool.path", "in use"]);
    exporter.signal(Signal::TERM);
    assert_eq!(exporter.wait(), Some(0));
    let receiver = Receiver::answering("200 OK");
    let _again = plan(format!("http://{}", receiver.address())).start();
    // Of before: the first push and the last; of now: the first.
    wait_pushed(&receiver, 3);
}

#[test]
fn what_workers_left_in_the_spool_is_said_by_one_that_is_none() {
    let (locust, folder) = (Locust::running(), TempDir::new().unwrap());
    let left = folder.path().join("worker-3").join("remote-write");
    std::fs::create_dir_all(&left).unwrap();
    std::fs::write(left.join("lock"), "").unwrap();
    std::fs::write(left.join("00000000000000000001.batch"), [0; 321]).unwrap();
    let exporter = Plan::of(&locust)
        .arg("--push.remote-write.url=http://127.0.0.1:1/write")
        .arg(format!("--push.spool.path={}", folder.path().display()))
        .arg("--push.final-timeout=300ms")
        .start();
    exporter.scrape();
    let told = exporter.told(&["level=info", "of an earlier run of workers", "bytes=321"]);
    assert_eq!(told.len(), 1, "{}", exporter.log());
}

#[test]
fn a_proxy_of_the_environment_that_is_down_is_named_without_its_password() {
    let locust = Locust::running();
    let mut exporter = Plan::of(&locust)
        .var("HTTP_PROXY", "http://ana:s3cret@127.0.0.1:1")
        .var("HTTPS_PROXY", "http://127.0.0.1:2")
        .arg("--push.remote-write.url=http://prometheus.invalid/api/v1/write")
        .arg("--push.otlp.endpoint=https://collector.invalid")
        .arg("--pushgateway.url=http://gateway.invalid")
        .arg("--push.final-timeout=300ms")
        .start();
    for (target, proxy) in [
        ("http://prometheus.invalid", "127.0.0.1:1"),
        ("https://collector.invalid", "127.0.0.1:2"),
        ("http://gateway.invalid", "127.0.0.1:1"),
    ] {
        exporter.wait_told(&[target, &format!("through the proxy http://{proxy}/"), "HTTP_PROXY"]);
    }
    exporter.signal(Signal::TERM);
    assert_eq!(exporter.wait(), Some(0));
    assert!(!exporter.log().contains("s3cret"), "{}", exporter.log());
}

#[test]
fn a_proxy_that_answers_in_the_place_of_the_target_is_named() {
    let (locust, proxy) = (Locust::running(), Receiver::answering("503 Service Unavailable"));
    let exporter = Plan::of(&locust)
        .var("HTTP_PROXY", format!("http://{}", proxy.address()))
        .arg("--pushgateway.url=http://gateway.invalid")
        .arg("--push.final-timeout=300ms")
        .start();
    exporter.wait_told(&[
        "gateway.invalid",
        "503",
        &format!("through the proxy http://{}", proxy.address()),
    ]);
}
