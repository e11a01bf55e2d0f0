//! The defects of the Go exporters on Locust 2.47, by their numbers. The fourteenth is one of
//! pushing.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use e2e::text::Scrape;
use serde_json::json;

use crate::answers::{self, Answer, FAILURES_CSV, STATS, STATS_CSV, fixture};
use crate::exporter::{Exporter, Plan, assert_absent, assert_is};
use crate::locust::Locust;
use crate::pki::Pki;

/// The statistics that a fixture holds, scraped.
fn scrape_of(stats: impl AsRef<[u8]>) -> Scrape {
    let locust = Locust::running();
    locust.set_stats(stats);
    Plan::of(&locust).start().scrape()
}

#[track_caller]
fn assert_sum(scrape: &Scrape, name: &str, sum: f64) {
    let found = scrape.sum(name);
    assert!((found - sum).abs() < 1e-9, "the sum of {name} is {found}, not {sum}");
}

#[test]
fn defect_01_spawning_is_not_idle() {
    let scrape = scrape_of(answers::in_state("spawning"));
    assert_is(&scrape, "locust_running", &[], 1.0);
    assert_is(&scrape, "locust_state", &[("state", "spawning")], 1.0);
}

#[test]
fn defect_02_current_percentiles_are_not_always_0() {
    let scrape = scrape_of(fixture("2.47/running_stats.json"));
    assert_is(&scrape, "locust_requests_current_response_time_percentile_95", &[], 740.0);
    assert_is(&scrape, "locust_requests_current_response_time_percentile_50", &[], 1.0);
}

#[test]
fn defect_03_the_aggregated_row_does_not_double_a_sum() {
    let scrape = scrape_of(fixture("2.47/running_stats.json"));
    assert_sum(&scrape, "locust_requests_total", 433.0);
    assert_sum(&scrape, "locust_request_failures_total", 171.0);
    assert_sum(&scrape, "locust_requests_current_rps", 229.0 / 6.0);
    assert_sum(&scrape, "locust_requests_current_fail_per_sec", 97.0 / 6.0);
    // These two have it, under the labels by which dashboards take it in or leave it out.
    for (name, of_all) in
        [("locust_requests_num_requests", 433.0), ("locust_requests_num_failures", 171.0)]
    {
        let all = [("method", ""), ("name", "Aggregated")];
        assert_is(&scrape, name, &all, of_all);
        assert_sum(&scrape, name, 2.0 * of_all);
    }
}

#[test]
fn defect_04_a_locust_that_is_down_keeps_no_values() {
    let locust = Locust::running();
    let exporter = Plan::of(&locust).start();
    assert!(exporter.scrape().has("locust_requests_num_requests"));
    drop(locust);
    let scrape = exporter.scrape();
    assert_is(&scrape, "locust_up", &[], 0.0);
    let stale = ["locust_requests_", "locust_users", "locust_running", "locust_worker"];
    for sample in &scrape.0 {
        assert!(!stale.iter().any(|stale| sample.name.starts_with(stale)), "{sample:?}");
    }
}

#[test]
fn defect_05_errors_and_workers_end_with_their_cause() {
    let locust = Locust::running();
    let exporter = Plan::of(&locust).start();
    let scrape = exporter.scrape();
    assert_eq!(scrape.series("locust_errors", &[]).count(), 5);
    assert_eq!(scrape.series("locust_worker_detail", &[]).count(), 2);
    locust.set_stats(answers::running_stats(|stats| {
        stats["errors"] = json!([]);
        stats["workers"].as_array_mut().unwrap().truncate(1);
        stats["workers"][0]["state"] = "spawning".into();
    }));
    let scrape = exporter.scrape();
    assert_absent(&scrape, "locust_errors", &[]);
    assert_absent(&scrape, "locust_request_errors_total", &[]);
    assert_eq!(scrape.series("locust_worker_detail", &[]).count(), 1);
    assert_is(&scrape, "locust_worker_detail", &[("state", "spawning")], 15.0);
}

#[test]
fn defect_06_a_row_that_has_vanished_is_gone() {
    let locust = Locust::running();
    let exporter = Plan::of(&locust).start();
    assert!(exporter.scrape().has("locust_requests_num_requests"));
    locust.set_stats(fixture("2.47/ready_stats.json"));
    let scrape = exporter.scrape();
    assert_absent(&scrape, "locust_requests_num_requests", &[("name", "/ok")]);
    assert_absent(&scrape, "locust_requests_total", &[]);
    assert_absent(&scrape, "locust_requests_current_rps", &[]);
}

#[test]
fn defect_07_a_login_in_the_way_is_not_up() {
    for (answer, words) in [
        (Answer::redirect("/login"), ["--locust.username", "--locust.password-file"]),
        (
            Answer::html("Locust auth exception: The session is unavailable because no secret key"),
            ["SECRET_KEY", "--web-login"],
        ),
        (Answer::new("401 UNAUTHORIZED", "text/html", ""), ["--locust.auth=basic", "401"]),
    ] {
        let locust = Locust::running();
        locust.set_all(&answer);
        let exporter = Plan::of(&locust).start();
        let scrape = exporter.scrape();
        assert_is(&scrape, "locust_up", &[], 0.0);
        assert_absent(&scrape, "locust_users", &[]);
        assert_absent(&scrape, "locust_running", &[]);
        assert_eq!(exporter.told(&words).len(), 1, "{words:?} in {}", exporter.log());
    }
}

#[test]
fn defect_08_one_nan_does_not_poison_the_rest() {
    let scrape = scrape_of(fixture("odd/nan_stats.json"));
    assert_is(&scrape, "locust_up", &[], 1.0);
    assert!(scrape.has("locust_users") && scrape.has("locust_requests_num_requests"));
    for sample in &scrape.0 {
        assert!(sample.value.is_finite(), "{sample:?}");
    }
}

#[test]
fn defect_09_percentiles_of_ones_own_choice_are_no_false_0() {
    // Locust is set to 0.25 and 0.999 here.
    let scrape = scrape_of(fixture("odd/pct_stats.json"));
    assert_absent(&scrape, "locust_requests_response_time_percentile_95", &[]);
    assert_absent(&scrape, "locust_requests_response_time_percentile_99", &[]);
    let quantiles: Vec<_> = scrape
        .series("locust_request_duration_seconds", &[])
        .map(|sample| sample.label("quantile"))
        .collect();
    assert!(quantiles.contains(&"0.25") && quantiles.contains(&"0.999"), "{quantiles:?}");
    assert!(!quantiles.contains(&"0.95") && !quantiles.contains(&"0.99"), "{quantiles:?}");
}

#[test]
fn defect_10_a_null_percentile_is_left_out() {
    let scrape = scrape_of(answers::running_stats(|stats| {
        stats["stats"][1]["response_time_percentile_0.95"] = json!(null);
        stats["current_response_time_percentiles"]["response_time_percentile_0.95"] = json!(null);
    }));
    let fail = [("name", "/fail")];
    assert_absent(&scrape, "locust_requests_response_time_percentile_95", &fail);
    assert_is(&scrape, "locust_requests_response_time_percentile_99", &fail, 45.0);
    assert_absent(&scrape, "locust_requests_current_response_time_percentile_95", &[]);
    let quantile = [("name", "/fail"), ("quantile", "0.95")];
    assert_absent(&scrape, "locust_request_duration_seconds", &quantile);
}

#[test]
fn defect_11_a_missing_worker_does_not_count() {
    let scrape = scrape_of(fixture("2.47/missing_stats.json"));
    assert_is(&scrape, "locust_workers_count", &[], 1.0);
    assert_is(&scrape, "locust_workers_running_count", &[], 1.0);
    assert_is(&scrape, "locust_workers_missing_count", &[], 1.0);
    assert_is(&scrape, "locust_workers", &[("state", "missing")], 1.0);
}

#[test]
fn defect_12_all_that_locust_tells_is_shown() {
    let scrape = scrape_of(answers::running_stats(|stats| {
        stats["workers"][0]["cpu_usage"] = 37.5.into();
    }));
    let worker = [("worker_id", "loadgen_cc905f20f5a74ec7a967a55856ae8b59")];
    assert_is(&scrape, "locust_worker_cpu_usage_ratio", &worker, 0.375);
    assert_is(&scrape, "locust_worker_memory_bytes", &worker, 57_008_128.0);
    assert_is(&scrape, "locust_worker_users", &worker, 15.0);
    assert_is(&scrape, "locust_requests_per_second", &[], 38.166_666_666_666_664);
    assert_is(&scrape, "locust_request_failures_per_second", &[], 16.166_666_666_666_668);
    assert_is(&scrape, "locust_users_target", &[], 30.0);
    assert_is(&scrape, "locust_spawn_rate", &[], 5.0);
    let classes = ["CustomU", "FastU", "WebUser"];
    for (class, users) in classes.into_iter().zip([2.0, 9.0, 19.0]) {
        assert_is(&scrape, "locust_user_class_users", &[("user_class", class)], users);
    }
    assert_is(&scrape, "locust_user_exceptions_total", &[("exception", "oops 2")], 40.0);
    let task = [("user_class", "FastU"), ("task", "Nested/inner_a")];
    assert_is(&scrape, "locust_task_ratio", &task, 0.75);
    assert_is(&scrape, "locust_info", &[("version", "2.47.0")], 1.0);
}

#[test]
fn defect_13_tls_is_verified_unless_told_otherwise() {
    let pki = Pki::new();
    let locust = Locust::over_tls(pki.server());
    let plan = || Plan::new().arg(format!("--locust.uri=https://{}", locust.address));

    let exporter = plan().start();
    for _ in 0..2 {
        assert_is(&exporter.scrape(), "locust_up", &[], 0.0);
    }
    let words =
        ["Locust cannot be read", "--locust.tls.ca-file", "--locust.tls.insecure-skip-verify"];
    assert_eq!(exporter.told(&words).len(), 1, "{}", exporter.log());
    assert_eq!(locust.count(STATS), 0, "nothing is sent to a server that is not trusted");

    let trusting = [
        plan().arg("--locust.tls.insecure-skip-verify"),
        plan().var("LOCUST_EXPORTER_LOCUST_TLS_INSECURE_SKIP_VERIFY", "yes"),
        plan().arg(format!("--locust.tls.ca-file={}", pki.certificate_file().display())),
        plan().var("LOCUST_EXPORTER_LOCUST_TLS_CA_FILE", pki.certificate_file()),
    ];
    for plan in trusting {
        assert_is(&plan.start().scrape(), "locust_up", &[], 1.0);
    }
}

#[test]
fn defect_15_errors_are_bounded_in_number_and_length() {
    let locust = Locust::running();
    let mut csv = "Method,Name,Error,Occurrences,First Seen,Last Seen\r\n".to_owned();
    for i in 0..1200 {
        let moment = "2026-11-20T10:10:32Z";
        let error = format!("Exception('{i} {}')", "x".repeat(500));
        writeln!(csv, "GET,/item,{error},2,{moment},{moment}\r").unwrap();
    }
    locust.set(FAILURES_CSV, Answer::csv(csv));
    locust.set_stats(answers::running_stats(|stats| {
        let error = json!({"method": "GET", "name": "/item", "error": "e", "occurrences": 2});
        stats["errors"] = vec![error; 500].into();
        stats["stats"][9]["num_failures"] = 2400.into();
    }));
    let exporter = Plan::of(&locust).start();
    let scrape = exporter.scrape();
    for name in ["locust_errors", "locust_request_errors_total"] {
        assert_eq!(scrape.series(name, &[]).count(), 1001, "a thousand, and the others");
        assert_sum(&scrape, name, 2400.0);
        assert_is(&scrape, name, &[("error", "other")], 400.0);
        for sample in scrape.series(name, &[]) {
            assert!(sample.label("error").chars().count() <= 200, "{sample:?}");
        }
    }
    let folded = [("reason", "errors")];
    assert_is(&scrape, "locust_exporter_folded_series_total", &folded, 200.0);
}

#[test]
fn defect_16_rows_past_the_five_hundredth_are_there() {
    let rows = |range: std::ops::Range<u32>| range.map(|i| (format!("/item/{i}"), i % 7 + 1));
    let total: u32 = rows(0..700).map(|(_, requests)| requests).sum();
    let mut csv = "Type,Name,Request Count,Failure Count\r\n".to_owned();
    for (name, requests) in rows(0..700) {
        writeln!(csv, "GET,{name},{requests},0\r").unwrap();
    }
    write!(csv, ",Aggregated,{total},0").unwrap();
    let locust = Locust::running();
    locust.set(STATS_CSV, Answer::csv(csv));
    locust.set_stats(answers::running_stats(|stats| {
        let row = |name: &str, method: &str, requests: u32| {
            json!({"name": name, "method": method, "num_requests": requests, "num_failures": 0})
        };
        let mut shown: Vec<_> = rows(0..500).map(|(name, n)| row(&name, "GET", n)).collect();
        shown.push(row("Aggregated", "", total));
        stats["stats"] = shown.into();
    }));
    let scrape = Plan::of(&locust).start().scrape();
    assert_eq!(scrape.series("locust_requests_total", &[]).count(), 700);
    assert_sum(&scrape, "locust_requests_total", f64::from(total));
    assert_is(&scrape, "locust_requests_total", &[("name", "/item/699")], 7.0);
    assert_is(&scrape, "locust_stats_truncated_rows", &[], 0.0);
}

#[test]
fn defect_16_rows_that_cannot_be_had_are_counted() {
    let locust = Locust::running();
    locust.set_stats(fixture("odd/many_stats.json"));
    locust.set(STATS_CSV, Answer::not_found());
    locust.set(FAILURES_CSV, Answer::not_found());
    let scrape = Plan::of(&locust).start().scrape();
    assert_eq!(scrape.series("locust_requests_total", &[]).count(), 500);
    assert!(scrape.value("locust_stats_truncated_rows", &[]).unwrap() > 0.0);
}

#[test]
fn defect_17_a_path_that_is_none_is_404_and_a_method_that_is_none_405() {
    let exporter = Plan::new().start();
    for path in ["/metric", "/metrics/", "/quit", "/healthz/x", "/../metrics", "//", "/probe"] {
        assert_eq!(exporter.get(path).status, 404, "{path}");
    }
    for path in ["/metrics", "/healthz", "/-/ready", "/"] {
        for method in ["POST", "PUT", "DELETE", "BREW"] {
            assert_eq!(exporter.ask(method, path, &[]).status, 405, "{method} {path}");
        }
    }
    for path in ["/quitquitquit", "/-/reload"] {
        for method in ["PUT", "DELETE", "BREW"] {
            assert_eq!(exporter.ask(method, path, &[]).status, 405, "{method} {path}");
        }
    }
    assert_eq!(exporter.get("/healthz").status, 200, "nothing of this has ended it");
}

#[test]
fn defect_17_forwarded_headers_neither_open_nor_close_quitquitquit() {
    for address in ["10.1.2.3", "127.0.0.1"] {
        let mut exporter = Plan::new().start();
        let headers = [
            ("X-Forwarded-For", address),
            ("X-Real-IP", address),
            ("Forwarded", &*format!("for={address}")),
        ];
        assert_eq!(exporter.ask("POST", "/quitquitquit", &headers).status, 200);
        assert_eq!(exporter.wait(), Some(0));
    }
}

#[test]
fn defect_17_a_page_in_a_browser_of_this_machine_cannot_quit() {
    let mut exporter = Plan::new().start();
    let headers = [("Sec-Fetch-Site", "cross-site")];
    for method in ["GET", "POST"] {
        assert_eq!(exporter.ask(method, "/quitquitquit", &headers).status, 403);
    }
    assert_eq!(exporter.ended(), None);
}

/// An address of this machine that is not its loopback, if it has one. Nothing is sent.
fn outer_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then_some(address)
}

#[test]
fn defect_17_a_peer_that_is_not_on_loopback_cannot_quit_unless_a_flag_opens_it() {
    // A machine without a network has no such peer.
    let Some(outer) = outer_address() else { return };
    let plan = || Plan::new().arg("--web.listen-address=0.0.0.0:0");
    let ask = |exporter: &Exporter, path: &str| {
        let address = SocketAddr::new(outer, exporter.address().port());
        let headers = [("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1")];
        e2e::http::ask("POST", address, path, &headers).unwrap().status
    };
    let mut exporter = plan().start_where_told();
    assert_eq!(ask(&exporter, "/quitquitquit"), 403);
    assert_eq!(ask(&exporter, "/-/reload"), 403);
    assert_eq!(exporter.ended(), None);

    let mut exporter = plan().arg("--web.enable-lifecycle").start_where_told();
    assert_eq!(ask(&exporter, "/-/reload"), 200);
    assert_eq!(ask(&exporter, "/quitquitquit"), 200);
    assert_eq!(exporter.wait(), Some(0));
}
