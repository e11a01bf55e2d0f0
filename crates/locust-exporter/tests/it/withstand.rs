//! Whatever comes instead of Locust's answer: 200 with `locust_up 0` and nothing stale, one line in
//! the log for each change of state, and bounded memory.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use e2e::net;
use e2e::text::Scrape;
use flate2::{Compress, Compression, FlushCompress};

use crate::answers::{self, Answer, STATS, STATS_CSV, fixture};
use crate::exporter::{Exporter, Plan, assert_absent, assert_is, read, timed};
use crate::locust::Locust;

/// The most that an answer of Locust may hold.
const BODY_LIMIT: usize = 64 << 20;

/// What is the exporter's own, and shown also while Locust is down.
const OWN: [&str; 5] = [
    "locust_up",
    "locust_scrape_",
    "locust_exporter_",
    "locust_total_scrapes",
    "locust_stats_truncated_rows",
];

#[track_caller]
fn assert_down(scrape: &Scrape) {
    assert_is(scrape, "locust_up", &[], 0.0);
    for sample in &scrape.0 {
        assert!(OWN.iter().any(|own| sample.name.starts_with(own)), "stale: {sample:?}");
    }
}

/// Asserts that Locust, which was up, is down with this answer, that exactly one line says why in
/// these words however often it is scraped, and that one line says that it is up again.
#[track_caller]
fn assert_told_once(answer: &Answer, words: &[&str]) -> Exporter {
    let locust = Locust::running();
    let exporter = Plan::of(&locust).start();
    assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
    locust.set(STATS, answer.clone());
    for _ in 0..3 {
        assert_down(&exporter.scrape());
    }
    assert_one_line(&exporter, words);
    locust.set_stats(fixture("2.47/running_stats.json"));
    for _ in 0..3 {
        assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
    }
    assert_eq!(exporter.told(&["Locust answers"]).len(), 2, "{}", exporter.log());
    exporter
}

#[track_caller]
fn assert_one_line(exporter: &Exporter, words: &[&str]) {
    let lines = exporter.told(&["level=warn", "Locust cannot be read"]);
    assert_eq!(lines.len(), 1, "{}", exporter.log());
    for word in words {
        assert!(lines[0].contains(word), "{word:?} is not in {}", lines[0]);
    }
}

fn gzipped(body: Vec<u8>) -> Answer {
    Answer::json(body).header("Content-Encoding", "gzip")
}

/// Some hundred kilobytes that decompress to twice the limit: the same compressed mebibyte of
/// spaces again and again.
fn gzip_bomb() -> Vec<u8> {
    let mut compress = Compress::new(Compression::best(), false);
    let mut block = Vec::with_capacity(1 << 16);
    let spaces = vec![b' '; 1 << 20];
    compress.compress_vec(&spaces, &mut block, FlushCompress::Full).unwrap();
    assert_eq!(compress.total_in(), 1 << 20, "all of it has been taken");
    let mut bomb = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    for _ in 0..2 * (BODY_LIMIT >> 20) {
        bomb.write_all(&block).unwrap();
    }
    bomb
}

#[test]
fn refused_and_back_again() {
    let locust = Locust::running();
    let address = locust.address;
    let exporter = Plan::of(&locust).start();
    assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
    drop(locust);
    for _ in 0..3 {
        assert_down(&exporter.scrape());
    }
    assert_one_line(&exporter, &["cannot be reached", "Connection refused", &address.to_string()]);
    let _back = Locust::again_at(address);
    for _ in 0..3 {
        assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
    }
    assert_eq!(exporter.told(&["level=info", "Locust answers"]).len(), 2, "{}", exporter.log());
}

#[test]
fn a_locust_that_comes_later_than_the_exporter() {
    let address = ([127, 0, 0, 1], net::free_port().unwrap()).into();
    let exporter = Plan::new().arg(format!("--locust.uri=http://{address}")).start();
    assert_down(&exporter.scrape());
    let _locust = Locust::again_at(address);
    assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
    assert_eq!(exporter.told(&["Locust answers"]).len(), 1, "{}", exporter.log());
}

#[test]
fn reset_in_mid_answer() {
    let answer = Answer::json(fixture("2.47/running_stats.json")).cut_at(1000);
    assert_told_once(&answer, &["the connection broke after", "Connection reset by peer"]);
}

#[test]
fn a_name_that_does_not_resolve() {
    let exporter = Plan::new().arg("--locust.uri=http://locust.invalid:8089").start();
    for _ in 0..3 {
        assert_down(&exporter.scrape());
    }
    assert_one_line(&exporter, &["http://locust.invalid:8089", "cannot be reached"]);
}

#[test]
fn slower_than_its_timeout() {
    let locust = Locust::running();
    locust.set(STATS, Answer::never());
    let exporter = Plan::of(&locust).arg("--locust.timeout=200ms").start();
    for _ in 0..3 {
        assert_down(&exporter.scrape());
    }
    assert_one_line(&exporter, &["did not answer within 0.2 s"]);
}

#[test]
fn slower_than_the_scrapes_deadline() {
    let locust = Locust::running();
    locust.set_all(&Answer::never());
    let exporter = Plan::of(&locust).start();
    let hurry = [("X-Prometheus-Scrape-Timeout-Seconds", "1")];
    for _ in 0..3 {
        let (answer, took) = timed(|| exporter.ask("GET", "/metrics", &hurry));
        assert!(took < Duration::from_secs(1), "{took:?}");
        let scrape = read(&answer);
        assert_down(&scrape);
        assert_is(&scrape, "locust_scrape_collector_success", &[("collector", "stats")], 0.0);
        assert!(scrape.has("locust_exporter_build_info"));
    }
    assert_one_line(&exporter, &["did not answer within 0.5 s"]);
}

#[test]
fn a_slow_part_does_not_take_the_rest_with_it() {
    let locust = Locust::running();
    locust.set("/tasks", Answer::never());
    let exporter = Plan::of(&locust).start();
    let hurry = [("X-Prometheus-Scrape-Timeout-Seconds", "1")];
    for _ in 0..3 {
        let scrape = read(&exporter.ask("GET", "/metrics", &hurry));
        assert_is(&scrape, "locust_up", &[], 1.0);
        assert_is(&scrape, "locust_scrape_collector_success", &[("collector", "tasks")], 0.0);
        assert_absent(&scrape, "locust_task_ratio", &[]);
        assert!(scrape.has("locust_requests_total"));
    }
    assert_eq!(exporter.told(&["level=warn", "collector=tasks"]).len(), 1, "{}", exporter.log());
    locust.set("/tasks", Answer::json(fixture("2.47/running_tasks.json")));
    exporter.scrape();
    exporter.scrape();
    assert_eq!(exporter.told(&["level=info", "collector=tasks"]).len(), 1, "{}", exporter.log());
}

#[test]
fn html_with_status_200() {
    let answer = Answer::html("<html><title>Another service</title></html>");
    assert_told_once(&answer, &["text/html", "check the address and the base path"]);
}

#[test]
fn a_redirect_to_a_login() {
    let answer = Answer::redirect("/login?next=/stats/requests");
    assert_told_once(&answer, &["needs a login", "/login", "--locust.username"]);
}

#[test]
fn a_redirect_elsewhere() {
    let answer = Answer::redirect("https://elsewhere.example/");
    assert_told_once(&answer, &["redirects", "check the address"]);
}

#[test]
fn json_cut_short() {
    let answer = Answer::json(&fixture("2.47/running_stats.json")[..700]);
    assert_told_once(&answer, &["cut short after 700 bytes"]);
}

#[test]
fn a_failure_inside_locust() {
    let answer = Answer::new("500 INTERNAL SERVER ERROR", "text/html", "TypeError: '<'");
    assert_told_once(&answer, &["failed inside Locust", "500", "TypeError: '<'"]);
}

#[test]
fn invalid_utf8() {
    let answer = Answer::json(b"{\"stats\":[{\"name\":\"\xff\xfe\"}]}");
    assert_told_once(&answer, &["invalid unicode"]);
}

#[test]
fn deep_nesting() {
    let deep = format!("{{\"stats\":{}", "[".repeat(1_000_000));
    let exporter = assert_told_once(&Answer::json(&deep), &["/stats/requests"]);
    assert_eq!(exporter.told(&["panic"]), Vec::<String>::new());
}

#[test]
fn a_body_whose_length_is_over_the_limit() {
    let answer = Answer::json(vec![b' '; BODY_LIMIT + 1]);
    let exporter = assert_told_once(&answer, &["more than 67108864 bytes"]);
    assert!(exporter.peak_memory() < 2 * BODY_LIMIT as u64, "{}", exporter.peak_memory());
}

#[test]
fn a_body_without_an_end() {
    let answer = Answer::json(vec![b' '; 1 << 20]).endless();
    let exporter = assert_told_once(&answer, &["more than 67108864 bytes"]);
    assert!(exporter.peak_memory() < 2 * BODY_LIMIT as u64, "{}", exporter.peak_memory());
}

#[test]
fn a_gzip_bomb() {
    let bomb = gzip_bomb();
    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    let exporter = assert_told_once(&gzipped(bomb), &["more than 67108864 bytes"]);
    assert!(exporter.peak_memory() < 2 * BODY_LIMIT as u64, "{}", exporter.peak_memory());
}

#[test]
fn nan_and_infinity_are_left_out_and_counted() {
    let stats = answers::running_stats(|stats| {
        stats["stats"][1]["avg_response_time"] = "%nan%".into();
        stats["stats"][2]["current_rps"] = "%inf%".into();
    });
    let locust = Locust::running();
    locust.set_stats(stats.replace("\"%nan%\"", "NaN").replace("\"%inf%\"", "-Infinity"));
    let scrape = Plan::of(&locust).start().scrape();
    assert_is(&scrape, "locust_up", &[], 1.0);
    assert_absent(&scrape, "locust_requests_avg_response_time", &[("name", "/fail")]);
    assert_absent(&scrape, "locust_requests_current_rps", &[("name", "/ok")]);
    assert_is(&scrape, "locust_requests_total", &[("name", "/fail")], 71.0);
    assert_eq!(scrape.series("locust_requests_total", &[]).count(), 9);
    let rejected = [("reason", "not_finite")];
    assert_is(&scrape, "locust_exporter_rejected_rows_total", &rejected, 2.0);
}

#[test]
fn unknown_keys_and_states_do_no_harm() {
    let locust = Locust::running();
    locust.set_stats(answers::running_stats(|stats| {
        stats["new_in_3_0"] = serde_json::json!({"deep": [1, {"er": null}]});
        stats["stats"][0]["new_in_3_0"] = true.into();
        stats["state"] = "hibernating".into();
        stats["workers"][0]["state"] = "confused".into();
    }));
    let scrape = Plan::of(&locust).start().scrape();
    assert_is(&scrape, "locust_up", &[], 1.0);
    assert_is(&scrape, "locust_state", &[("state", "hibernating")], 1.0);
    assert_is(&scrape, "locust_state", &[("state", "running")], 0.0);
    assert_is(&scrape, "locust_running", &[], 0.0);
    assert_is(&scrape, "locust_workers", &[("state", "confused")], 1.0);
    assert_is(&scrape, "locust_workers_count", &[], 2.0);
    assert_eq!(scrape.series("locust_requests_total", &[]).count(), 9);
}

#[test]
fn an_absent_value_is_an_absent_series_and_never_0() {
    let locust = Locust::running();
    locust.set_stats(answers::running_stats(|stats| {
        for key in ["user_count", "fail_ratio", "current_rps", "state", "workers"] {
            stats.as_object_mut().unwrap().remove(key);
        }
        stats.as_object_mut().unwrap().remove("current_response_time_percentiles");
        stats["stats"][0].as_object_mut().unwrap().remove("num_failures");
    }));
    let scrape = Plan::of(&locust).start().scrape();
    assert_is(&scrape, "locust_up", &[], 1.0);
    for name in [
        "locust_users",
        "locust_users_running",
        "locust_state",
        "locust_running",
        "locust_requests_current_response_time_percentile_95",
    ] {
        assert_absent(&scrape, name, &[]);
    }
    assert_absent(&scrape, "locust_request_failures_total", &[("name", "/catch")]);
    assert_is(&scrape, "locust_requests_total", &[("name", "/catch")], 29.0);
}

#[test]
fn a_null_method_is_an_empty_one() {
    let locust = Locust::running();
    let scrape = Plan::of(&locust).start().scrape();
    let labels = [("name", "nomethod"), ("method", "")];
    assert_is(&scrape, "locust_requests_total", &labels, 14.0);
}

#[test]
fn another_cause_is_told_anew() {
    let locust = Locust::running();
    let exporter = Plan::of(&locust).start();
    for answer in [Answer::html("<html>"), Answer::new("500 NO", "text/html", "oops")] {
        locust.set(STATS, answer);
        exporter.scrape();
        exporter.scrape();
    }
    assert_eq!(exporter.told(&["Locust cannot be read"]).len(), 2, "{}", exporter.log());
}

#[test]
fn every_answer_without_an_end_at_once() {
    let locust = Locust::running();
    locust.set_all(&Answer::json(vec![b' '; 1 << 20]).endless());
    let exporter = Plan::of(&locust).arg("--locust.timeout=10s").start();
    for _ in 0..2 {
        assert_down(&exporter.scrape());
    }
    assert!(exporter.peak_memory() < 2 * BODY_LIMIT as u64, "{}", exporter.peak_memory());
}

#[test]
fn millions_of_tiny_rows_just_under_the_limit() {
    let total = r#"{"name":"Aggregated","method":"","num_requests":7}"#;
    let tiny = r#"{"name":1},"#;
    let rows = tiny.repeat((BODY_LIMIT - 1000) / tiny.len());
    let locust = Locust::running();
    locust.set_stats(format!(r#"{{"stats":[{rows}{total}]}}"#));
    let csv = format!("Type,Name,Request Count\n{},Aggregated,7\n", ",1,1\n".repeat(12_000_000));
    locust.set("/stats/requests/csv", Answer::new("200 OK", "text/csv", csv));
    let exporter = Plan::of(&locust).arg("--locust.timeout=150s").start();
    let unhurried = [("X-Prometheus-Scrape-Timeout-Seconds", "150")];
    let scrape = read(&exporter.ask("GET", "/metrics", &unhurried));
    assert_is(&scrape, "locust_up", &[], 1.0);
    let folded = "locust_exporter_folded_series_total";
    assert!(scrape.value(folded, &[("reason", "names")]).unwrap() > 10_000_000.0);
    assert!(exporter.peak_memory() < 2 * BODY_LIMIT as u64, "{}", exporter.peak_memory());
}

#[test]
fn names_of_10_kb_are_cut_visibly_and_counted_and_sums_stay_right() {
    let locust = Locust::running();
    let row = |end: &str, requests: u64| {
        let name = format!("/{}{end}", "é".repeat(5_000));
        format!(r#"{{"method":"GET","name":"{name}","num_requests":{requests},"num_failures":0}}"#)
    };
    let total = r#"{"method":"","name":"Aggregated","num_requests":7,"num_failures":0}"#;
    let rows = format!("{},{},{total}", row("a", 3), row("b", 4));
    locust.set_stats(format!(r#"{{"stats":[{rows}],"errors":[],"state":"running"}}"#));
    for (flag, most) in
        [("--metrics.max-label-bytes=2048", 2048), ("--metrics.max-label-bytes=16", 16)]
    {
        let scrape = Plan::of(&locust).arg(flag).start().scrape();
        let series: Vec<_> = scrape.series("locust_requests_total", &[]).collect();
        let [one] = &series[..] else { panic!("{series:?}") };
        assert!((one.value - 7.0).abs() < 1e-9, "{one:?}");
        let name = &one.labels["name"];
        assert!(name.len() <= most && name.len() > most - 4 && name.ends_with('…'), "{name}");
        assert!(scrape.value("locust_exporter_cut_label_values_total", &[]).unwrap() >= 2.0);
    }
}

/// The sum was 89,988, the gauge of missing rows 0, and the log said nothing.
#[test]
fn the_sum_of_a_million_endpoints_is_right_and_the_log_names_the_bounds() {
    const ROWS: u64 = 1_000_000;
    let locust = Locust::running();
    let head = "Type,Name,Request Count,Failure Count,Median Response Time\n";
    let mut csv = String::from(head);
    for row in 0..ROWS {
        writeln!(csv, "GET,/{row},1,0,1").unwrap();
    }
    writeln!(csv, ",Aggregated,{ROWS},0,1").unwrap();
    locust.set(STATS_CSV, Answer::csv(csv));
    let rows = (0..500).map(|row| {
        format!(r#"{{"method":"GET","name":"/{row}","num_requests":1,"num_failures":0}},"#)
    });
    let rows: String = rows.collect();
    let total = format!(r#"{{"method":"","name":"Aggregated","num_requests":{ROWS}}}"#);
    locust.set_stats(format!(r#"{{"stats":[{rows}{total}],"errors":[],"state":"running"}}"#));
    let exporter = Plan::of(&locust).arg("--locust.timeout=30s").start();
    for _ in 0..2 {
        let metrics = exporter.ask("GET", "/metrics", &[]);
        let scrape = read(&metrics);
        assert!((scrape.sum("locust_requests_total") - ROWS as f64).abs() < 0.5);
        assert_is(&scrape, "locust_stats_truncated_rows", &[], 0.0);
    }
    let scrape = exporter.scrape();
    let folded = scrape.value("locust_exporter_folded_series_total", &[("reason", "names")]);
    assert!(folded.unwrap() >= 3.0 * 979_999.0);
    assert_eq!(exporter.told(&["level=warn", "33554432 bytes of endpoints"]).len(), 1);
    assert_eq!(exporter.told(&["level=warn", "more than 20000 endpoints"]).len(), 1);
    assert!(exporter.peak_memory() < 200 << 20, "{} bytes", exporter.peak_memory());
}

#[test]
fn percentiles_that_only_some_rows_have_are_told_once() {
    let locust = Locust::running();
    let mut csv = String::from("Type,Name,Request Count,99%\n");
    let mut rows = String::new();
    for row in 0..700 {
        writeln!(csv, "GET,/{row},1,9").unwrap();
        if row < 500 {
            let key = "response_time_percentile_0";
            let row = format!(
                r#"{{"method":"GET","name":"/{row}","num_requests":1,"{key}.95":5,"{key}.99":9}},"#
            );
            rows.push_str(&row);
        }
    }
    csv.push_str(",Aggregated,700,9\n");
    locust.set(STATS_CSV, Answer::csv(csv));
    let total = r#"{"method":"","name":"Aggregated","num_requests":700}"#;
    locust.set_stats(format!(r#"{{"stats":[{rows}{total}],"errors":[],"state":"running"}}"#));
    let exporter = Plan::of(&locust).start();
    for _ in 0..3 {
        let scrape = exporter.scrape();
        let p95 = "locust_requests_response_time_percentile_95";
        assert_eq!(scrape.series(p95, &[]).count(), 500);
        let p99 = "locust_requests_response_time_percentile_99";
        assert_eq!(scrape.series(p99, &[]).count(), 700);
    }
    let told = exporter.told(&["level=warn", "PERCENTILES_TO_REPORT"]);
    assert_eq!(told.len(), 1, "{}", exporter.log());
    assert!(told[0].contains("0.95") && !told[0].contains("0.99"), "{}", told[0]);
}
