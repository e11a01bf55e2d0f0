//! Credentials are used, and never shown.

use tempfile::TempDir;

use crate::answers::{Answer, STATS};
use crate::exporter::{Exporter, Plan, assert_is, read};
use crate::guard::Guard;
use crate::locust::Locust;

const PASSWORD: &str = "s3cret-pa55word";
const TOKEN: &str = "s3cret-t0ken";

/// All that may not be shown: the secrets, and how they are written in a header.
const SECRETS: [&str; 6] = [
    "s3cret",
    "pa55word",
    "t0ken",
    // ana:s3cret-pa55word in Base64.
    "YW5hOnMzY3JldC1wYTU1d29yZA",
    "0pen-5esame",
    "Bearer ",
];

fn plan(locust: &Locust) -> Plan {
    Plan::of(locust).arg("--log.level=debug")
}

/// Asserts that nothing which the exporter shows or logs has a secret in it: while Locust lets it
/// in, while it does not, and while it answers oddly.
#[track_caller]
fn assert_kept(locust: &Locust, plan: Plan) -> Exporter {
    let exporter = plan.start();
    assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
    let mut shown = Vec::new();
    let mut look = |exporter: &Exporter| {
        for path in ["/metrics", "/", "/healthz", "/-/ready", "/nothing"] {
            shown.push(exporter.get(path).text().unwrap().to_owned());
        }
        let openmetrics = [("Accept", "application/openmetrics-text")];
        shown.push(exporter.ask("GET", "/metrics", &openmetrics).text().unwrap().to_owned());
    };
    look(&exporter);
    locust.demand(Guard::Bearer("another"));
    look(&exporter);
    locust.demand(Guard::None);
    for answer in [
        Answer::redirect("/login"),
        Answer::new("500 NO", "text/html", "oops"),
        Answer::html("<html>"),
        Answer::json("{\"stats\":"),
        Answer::new("403 FORBIDDEN", "text/html", ""),
    ] {
        locust.set(STATS, answer);
        look(&exporter);
    }
    shown.push(exporter.log());
    for text in &shown {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
    exporter
}

fn secret_file(folder: &TempDir, secret: &str) -> String {
    let path = folder.path().join("secret");
    std::fs::write(&path, format!("{secret}\n")).unwrap();
    path.to_str().map(str::to_owned).unwrap()
}

#[test]
fn a_password_in_the_address() {
    let locust = Locust::running();
    locust.demand(Guard::Basic("ana", PASSWORD));
    let uri = format!("http://ana:{PASSWORD}@{}", locust.address);
    let plan = Plan::new().args(&["--log.level=debug", "--locust.uri", &uri]);
    assert_kept(&locust, plan);
}

#[test]
fn a_password_in_an_address_in_a_variable_beside_another_locust() {
    let (locust, other) = (Locust::running(), Locust::running());
    locust.demand(Guard::Basic("ana", PASSWORD));
    let uris = format!("http://ana:{PASSWORD}@{},{}", locust.address, other.uri());
    let exporter = Plan::new().var("LOCUST_EXPORTER_URI", uris).arg("--log.level=debug").start();
    let answer = exporter.get("/metrics");
    assert_is(&read(&answer), "locust_up", &[("target", &locust.uri())], 1.0);
    locust.demand(Guard::Bearer("another"));
    exporter.scrape();
    let shown = [answer.text().unwrap().to_owned(), exporter.log()].concat();
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn a_password_for_basic_authentication_from_a_file() {
    let folder = TempDir::new().unwrap();
    let locust = Locust::running();
    locust.demand(Guard::Basic("ana", PASSWORD));
    let plan = plan(&locust)
        .args(&["--locust.auth=basic", "--locust.username=ana"])
        .arg(format!("--locust.password-file={}", secret_file(&folder, PASSWORD)));
    assert_kept(&locust, plan);
}

#[test]
fn a_password_for_the_login_form_from_a_variable() {
    let locust = Locust::running();
    locust.demand(Guard::Login("ana", PASSWORD));
    let plan =
        plan(&locust).arg("--locust.username=ana").var("LOCUST_EXPORTER_LOCUST_PASSWORD", PASSWORD);
    assert_kept(&locust, plan);
}

#[test]
fn a_wrong_password_for_the_login_form() {
    let locust = Locust::running();
    locust.demand(Guard::Login("ana", "another"));
    let exporter = plan(&locust)
        .arg("--locust.username=ana")
        .var("LOCUST_EXPORTER_LOCUST_PASSWORD", PASSWORD)
        .start();
    for _ in 0..3 {
        assert_is(&exporter.scrape(), "locust_up", &[], 0.0);
    }
    let log = exporter.log();
    assert_eq!(exporter.told(&["refused the login"]).len(), 1, "{log}");
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn a_token_from_a_file_or_a_variable() {
    let folder = TempDir::new().unwrap();
    let locust = Locust::running();
    for plan in [
        plan(&locust).arg(format!("--locust.bearer-token-file={}", secret_file(&folder, TOKEN))),
        plan(&locust).var("LOCUST_EXPORTER_LOCUST_BEARER_TOKEN", TOKEN),
    ] {
        locust.demand(Guard::Bearer(TOKEN));
        locust.set(STATS, Answer::json(crate::answers::fixture("2.47/running_stats.json")));
        assert_kept(&locust, plan);
    }
}

#[test]
fn the_file_wins_over_the_variable() {
    let folder = TempDir::new().unwrap();
    let locust = Locust::running();
    locust.demand(Guard::Bearer(TOKEN));
    let exporter = plan(&locust)
        .arg(format!("--locust.bearer-token-file={}", secret_file(&folder, TOKEN)))
        .var("LOCUST_EXPORTER_LOCUST_BEARER_TOKEN", "another")
        .start();
    assert_is(&exporter.scrape(), "locust_up", &[], 1.0);
}

#[test]
fn help_does_not_show_what_the_variables_hold() {
    let uri = format!("http://ana:{PASSWORD}@host");
    let ended = Plan::new()
        .arg("--help")
        .var("LOCUST_EXPORTER_URI", uri)
        .var("LOCUST_EXPORTER_LOCUST_PASSWORD", PASSWORD)
        .ends();
    assert_eq!(ended.code, Some(0));
    assert!(!ended.lines.concat().contains("s3cret"), "{:#?}", ended.lines);
}

#[cfg(target_os = "linux")]
#[test]
fn a_crash_leaves_no_core_dump_with_secrets() {
    let exporter = Plan::new().start();
    let limits = exporter.limits();
    let line = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let values: Vec<&str> = line.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"], "{line}");
}
