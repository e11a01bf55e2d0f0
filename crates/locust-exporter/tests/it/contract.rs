//! What charts, operators and dashboards rely on: the Go exporters' flags, variables, routes, exit
//! codes and metrics.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::net;
use e2e::process::Signal;
use e2e::text::Scrape;
use serde_json::Value;

use crate::answers::{self, Answer, STATS};
use crate::exporter::{PATIENCE, Plan, assert_is, read, timed};
use crate::locust::Locust;

/// Flag, variable, default.
const OPTIONS: [(&str, &str, &str); 7] = [
    ("--locust.uri", "LOCUST_EXPORTER_URI", "http://localhost:8089"),
    ("--locust.timeout", "LOCUST_EXPORTER_TIMEOUT", "5s"),
    ("--locust.namespace", "LOCUST_METRIC_NAMESPACE", "locust"),
    ("--web.listen-address", "LOCUST_EXPORTER_WEB_LISTEN_ADDRESS", ":9646"),
    ("--web.telemetry-path", "LOCUST_EXPORTER_WEB_TELEMETRY_PATH", "/metrics"),
    ("--log.level", "LOCUST_EXPORTER_LOG_LEVEL", "info"),
    ("--log.format", "LOCUST_EXPORTER_LOG_FORMAT", "logfmt"),
];

#[test]
fn help_shows_every_flag_with_its_variable_and_default() {
    let ended = Plan::new().arg("--help").ends();
    assert_eq!(ended.code, Some(0));
    let text = ended.lines.join(" ");
    for (flag, variable, default) in OPTIONS {
        let from = text.find(&format!("{flag} <")).unwrap_or_else(|| panic!("{flag} in {text}"));
        let rest = &text[from + flag.len()..];
        let entry = &rest[..rest.find(" --").unwrap_or(rest.len())];
        assert!(entry.contains(&format!("[env: {variable}")), "{flag}: {entry}");
        assert!(entry.contains(&format!("[default: {default}]")), "{flag}: {entry}");
    }
}

#[test]
fn version_is_told() {
    let ended = Plan::new().arg("--version").ends();
    let version = format!("locust_exporter {}", env!("CARGO_PKG_VERSION"));
    assert_eq!((ended.code, ended.lines), (Some(0), vec![version]));
}

#[test]
fn a_flags_value_may_stand_behind_a_space() {
    let locust = Locust::running();
    let exporter = Plan::new().args(&["--locust.uri", &locust.uri()]).start();
    assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
}

#[test]
fn the_uri_comes_from_its_variable_and_the_flag_wins() {
    let (one, other) = (Locust::running(), Locust::running());
    let exporter = Plan::new().var("LOCUST_EXPORTER_URI", one.uri()).start();
    assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
    assert_eq!((one.count(STATS), other.count(STATS)), (1, 0));

    let exporter = Plan::of(&other).var("LOCUST_EXPORTER_URI", one.uri()).start();
    exporter.scrape();
    assert_eq!((one.count(STATS), other.count(STATS)), (1, 1));
}

#[test]
fn a_uri_keeps_its_base_path_with_or_without_a_slash_behind() {
    let locust = Locust::running();
    for (path, answer) in answers::running() {
        locust.set(&format!("/load{path}"), answer);
    }
    locust.set(STATS, Answer::not_found());
    for uri in [format!("{}/load", locust.uri()), format!("{}/load/", locust.uri())] {
        let scrape = Plan::new().arg(format!("--locust.uri={uri}")).start().scrape();
        assert_is(&scrape, "locust_up", &[], 1.0);
    }
}

#[test]
fn the_timeout_is_a_go_duration_from_flag_or_variable() {
    let locust = Locust::running();
    locust.set(STATS, Answer::never());
    for plan in [
        Plan::of(&locust).arg("--locust.timeout=300ms"),
        Plan::of(&locust).var("LOCUST_EXPORTER_TIMEOUT", "0.3s"),
        Plan::of(&locust).var("LOCUST_EXPORTER_TIMEOUT", "1h").arg("--locust.timeout=0m0.3s"),
    ] {
        let exporter = plan.start();
        let (scrape, took) = timed(|| exporter.scrape());
        assert_is(&scrape, "locust_up", &[], 0.0);
        assert!(took >= Duration::from_millis(290) && took < Duration::from_secs(3), "{took:?}");
        assert_eq!(exporter.told(&["did not answer within 0.3 s"]).len(), 1);
    }
}

#[test]
fn the_namespace_replaces_the_prefix_of_every_metric() {
    let locust = Locust::running();
    let usual = Plan::of(&locust).start().scrape();
    let names = |scrape: &Scrape| -> BTreeSet<String> {
        scrape.0.iter().map(|sample| sample.name.clone()).collect()
    };
    let renamed: BTreeSet<_> =
        names(&usual).iter().map(|name| name.replacen("locust_", "load_test_", 1)).collect();
    for plan in [
        Plan::of(&locust).arg("--locust.namespace=load_test"),
        Plan::of(&locust).var("LOCUST_METRIC_NAMESPACE", "load_test"),
        Plan::of(&locust)
            .var("LOCUST_METRIC_NAMESPACE", "another")
            .arg("--locust.namespace=load_test"),
    ] {
        let text = plan.start().get("/metrics");
        assert!(!text.text().unwrap().contains("locust_"), "help and type lines as well");
        assert_eq!(names(&read(&text)), renamed);
    }
}

#[test]
fn the_telemetry_path_moves_the_metrics() {
    let locust = Locust::running();
    for plan in [
        Plan::of(&locust).arg("--web.telemetry-path=/load/metrics"),
        Plan::of(&locust).var("LOCUST_EXPORTER_WEB_TELEMETRY_PATH", "/load/metrics"),
    ] {
        let exporter = plan.start();
        assert_is(&read(&exporter.get("/load/metrics")), "locust_up", &[], 1.0);
        assert_eq!(exporter.get("/metrics").status, 404);
        assert!(exporter.get("/").text().unwrap().contains("\"/load/metrics\""));
    }
}

#[test]
fn the_listen_address_may_be_a_port_alone_and_several() {
    let ports = [net::free_port().unwrap(), net::free_port().unwrap()];
    let addresses = format!(":{},127.0.0.1:{}", ports[0], ports[1]);
    for plan in [
        Plan::new().arg(format!("--web.listen-address={addresses}")),
        Plan::new().var("LOCUST_EXPORTER_WEB_LISTEN_ADDRESS", &addresses),
        Plan::new()
            .arg(format!("--web.listen-address=:{}", ports[0]))
            .arg(format!("--web.listen-address=127.0.0.1:{}", ports[1])),
    ] {
        let _exporter = plan.start_where_told();
        for port in ports {
            let answer = e2e::http::get(([127, 0, 0, 1], port).into(), "/healthz").unwrap();
            assert_eq!(answer.status, 200);
        }
    }
}

#[test]
fn a_list_in_a_variable_has_commas() {
    let (one, other) = (Locust::running(), Locust::running());
    let uris = format!("{},{}", one.uri(), other.uri());
    let exporter = Plan::new()
        .var("LOCUST_EXPORTER_URI", uris)
        .var("LOCUST_EXPORTER_LABEL", "run=7,team=shop")
        .start();
    let scrape = exporter.scrape();
    for locust in [&one, &other] {
        let labels = [("target", &*locust.uri()), ("run", "7"), ("team", "shop")];
        assert_is(&scrape, "locust_up", &labels, 1.0);
    }
}

#[test]
fn a_boolean_variable_is_1_true_or_yes() {
    let locust = Locust::running();
    locust.set_stats(answers::in_state("stopped"));
    let plan = |word| {
        Plan::of(&locust)
            .var("LOCUST_EXPORTER_EXIT_AFTER_TEST", word)
            .arg("--exit-after-test.timeout=500ms")
    };
    let mut yes = ["1", "true", "yes", "TRUE"].map(|word| plan(word).start());
    let mut no = ["0", "false", "no", ""].map(|word| plan(word).start());
    for exporter in &mut yes {
        assert_eq!(exporter.wait(), Some(0));
    }
    for exporter in &mut no {
        assert_eq!(exporter.ended(), None);
    }
}

#[test]
fn a_variable_without_a_value_is_as_none() {
    let mut plan = Plan::new();
    for (_, variable, _) in OPTIONS.iter().filter(|(flag, ..)| *flag != "--web.listen-address") {
        plan = plan.var(variable, "");
    }
    let exporter = plan.var("LOCUST_EXPORTER_LABEL", "").start();
    assert!(exporter.scrape().has("locust_up"));
}

#[test]
fn health_is_200_whatever_locust_does() {
    let exporter = Plan::new().arg("--locust.uri=http://127.0.0.1:1").start();
    for path in ["/healthz", "/-/healthy", "/-/ready"] {
        assert_eq!(exporter.get(path).status, 200, "{path}");
    }
}

#[test]
fn the_landing_page_leads_to_the_metrics() {
    let answer = Plan::new().start().get("/");
    assert!(answer.ok().unwrap().contains("href=\"/metrics\""));
}

#[test]
fn sigterm_and_sigint_end_it_with_0() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut exporter = Plan::new().start();
        exporter.signal(signal);
        assert_eq!(exporter.wait(), Some(0));
    }
}

#[test]
fn a_scrape_under_way_is_answered_before_the_end() {
    let locust = Locust::running();
    let stats = answers::fixture("2.47/running_stats.json");
    locust.set(STATS, Answer::json(stats).after(Duration::from_millis(500)));
    let mut exporter = Plan::of(&locust).start();
    let address = exporter.address();
    let scrape = std::thread::spawn(move || e2e::http::get(address, "/metrics").unwrap());
    let asked = || Ok((locust.count(STATS) == 1).then_some(()));
    net::wait_closely("Locust is asked", PATIENCE, asked).unwrap();
    exporter.signal(Signal::TERM);
    assert_is(&read(&scrape.join().unwrap()), "locust_up", &[], 1.0);
    assert_eq!(exporter.wait(), Some(0));
}

#[test]
fn quitquitquit_ends_it_with_0_by_get_and_by_post() {
    for method in ["GET", "POST"] {
        let mut exporter = Plan::new().start();
        assert_eq!(exporter.ask(method, "/quitquitquit", &[]).status, 200);
        assert_eq!(exporter.wait(), Some(0), "{method}");
    }
}

#[test]
fn the_log_level_leaves_out_what_is_less_severe() {
    let lines_at = |level: &str| {
        let mut exporter = Plan::new()
            .arg("--locust.uri=http://127.0.0.1:1")
            .arg(format!("--log.level={level}"))
            .start_quietly();
        exporter.signal(Signal::TERM);
        assert_eq!(exporter.wait(), Some(0));
        exporter.told(&["level="]).len()
    };
    assert!(lines_at("info") >= 2, "it listens, it ends");
    assert_eq!(lines_at("error"), 0);
}

#[test]
fn logfmt_lines_have_time_level_and_message() {
    let exporter = Plan::new().arg("--locust.uri=http://127.0.0.1:1").start();
    exporter.scrape();
    let log = exporter.log();
    assert!(log.lines().count() >= 2, "{log}");
    for line in log.lines() {
        let mut words = line.split(' ');
        assert!(words.next().is_some_and(|word| word.starts_with("ts=20")), "{line}");
        assert!(words.next().is_some_and(|word| word.starts_with("level=")), "{line}");
        assert!(words.next().is_some_and(|word| word.starts_with("msg=")), "{line}");
    }
}

#[test]
fn every_json_line_is_an_object_with_time_level_and_message() {
    let locust = Locust::running();
    for plan in [
        Plan::of(&locust).arg("--log.format=json"),
        Plan::of(&locust).var("LOCUST_EXPORTER_LOG_FORMAT", "json"),
    ] {
        let mut exporter = plan.arg("--log.level=debug").start_quietly();
        exporter.signal(Signal::TERM);
        assert_eq!(exporter.wait(), Some(0));
        let log = exporter.log();
        assert!(log.lines().count() >= 2, "{log}");
        for line in log.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            for key in ["ts", "level", "msg"] {
                assert!(line[key].is_string(), "{line}");
            }
        }
    }
}

#[test]
fn a_proxy_named_in_the_environment_is_not_asked() {
    let (locust, proxy) = (Locust::running(), Locust::running());
    let mut plan = Plan::of(&locust);
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        plan = plan.var(name, proxy.uri());
    }
    assert_is(&plan.start().scrape(), "locust_up", &[], 1.0);
    assert!(proxy.seen().is_empty());
}
