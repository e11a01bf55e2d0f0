//! What scrapers ask for and get.

use exposition::Format;
use exposition::negotiate::{ContentType, compression, content_type};
use proptest::prelude::*;

const TEXT_004: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT_100: &str = "text/plain; version=1.0.0; charset=utf-8";
const OPENMETRICS_001: &str = "application/openmetrics-text; version=0.0.1; charset=utf-8";
const OPENMETRICS_100: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROTOBUF: &str = "application/vnd.google.protobuf; \
                        proto=io.prometheus.client.MetricFamily; encoding=delimited";

fn answer(accept: &str) -> String {
    content_type(Some(accept)).to_string()
}

#[test]
fn prometheus_3_gets_openmetrics_and_its_escaping_back() {
    let accept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                  application/openmetrics-text;version=0.0.1;q=0.5,\
                  text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                  text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    assert_eq!(answer(accept), format!("{OPENMETRICS_100}; escaping=allow-utf-8"));
    assert_eq!(content_type(Some(accept)).format(), Format::OpenMetrics);
}

#[test]
fn prometheus_with_native_histograms_gets_protobuf() {
    let accept = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;\
                  encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;\
                  escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    assert_eq!(answer(accept), PROTOBUF);
    assert_eq!(content_type(Some(accept)).format(), Format::Protobuf);
}

#[test]
fn prometheus_2_gets_the_openmetrics_it_knows() {
    let accept = "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,\
                  */*;q=0.1";
    assert_eq!(answer(accept), OPENMETRICS_001);
}

#[test]
fn whoever_asks_for_nothing_in_particular_gets_text() {
    assert_eq!(content_type(None), ContentType::DEFAULT);
    assert_eq!(ContentType::DEFAULT.to_string(), TEXT_004);
    for accept in [
        "",
        "*/*",
        "text/*",
        "text/plain",
        "text/plain;charset=utf-8",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        "application/json",
        "text/plain;version=99",
        "text/plain;q=0",
        "application/openmetrics-text;version=2.0.0",
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
        "application/vnd.google.protobuf;proto=other.Message;encoding=delimited",
        "application/openmetrics-text;version=1.0.0;q=2",
        ";;;,,,===\"",
    ] {
        assert_eq!(answer(accept), TEXT_004, "{accept:?}");
    }
}

#[test]
fn the_highest_quality_wins() {
    for (accept, wanted) in [
        ("text/plain;version=1.0.0", TEXT_100),
        ("TEXT/PLAIN; Version=\"1.0.0\"", TEXT_100),
        ("application/openmetrics-text", OPENMETRICS_100),
        ("application/*", OPENMETRICS_100),
        ("application/vnd.google.protobuf", PROTOBUF),
        (
            "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.8",
            TEXT_004,
        ),
        ("text/plain;version=0.0.4;q=0.001,application/*;q=0", TEXT_004),
        ("text/plain;q=0, */*", OPENMETRICS_100),
        ("text/*;q=0.5, text/plain;version=0.0.4;q=0.1", TEXT_100),
    ] {
        assert_eq!(answer(accept), wanted, "{accept:?}");
    }
}

#[test]
fn equal_qualities_are_settled_in_the_order_of_prometheus() {
    let all = [TEXT_004, OPENMETRICS_001, PROTOBUF, TEXT_100, OPENMETRICS_100];
    for (dropped, wanted) in [
        (&[][..], PROTOBUF),
        (&[PROTOBUF][..], OPENMETRICS_100),
        (&[PROTOBUF, OPENMETRICS_100], OPENMETRICS_001),
        (&[PROTOBUF, OPENMETRICS_100, OPENMETRICS_001], TEXT_100),
    ] {
        let rest = all.iter().filter(|media| !dropped.contains(media)).copied();
        assert_eq!(answer(&rest.collect::<Vec<_>>().join(",")), wanted);
    }
    assert_eq!(answer("*/*, application/openmetrics-text;version=0.0.1"), OPENMETRICS_001);
}

#[test]
fn a_known_escaping_is_echoed_by_the_versions_that_have_it() {
    for scheme in ["allow-utf-8", "underscores", "dots", "values"] {
        for media in [TEXT_100, OPENMETRICS_100, PROTOBUF] {
            let accept = format!("{media}; escaping={scheme}");
            assert_eq!(answer(&accept), accept);
        }
        for media in [TEXT_004, OPENMETRICS_001] {
            assert_eq!(answer(&format!("{media}; escaping={scheme}")), media);
        }
    }
    assert_eq!(answer(&format!("{TEXT_100}; escaping=rot13")), TEXT_100);
}

/// Headers made of the words that matter, put together in any way.
fn soup() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "text",
        "plain",
        "application",
        "openmetrics-text",
        "vnd.google.protobuf",
        "*",
        "/",
        ";",
        ",",
        "=",
        "\"",
        "\\",
        "q",
        "0",
        "1",
        ".5",
        " ",
        "version",
        "0.0.4",
        "1.0.0",
        "escaping",
        "allow-utf-8",
        "gzip",
        "zstd",
        "identity",
        "\u{e9}",
    ]);
    prop::collection::vec(words, 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_header_gets_a_known_answer(header in prop_oneof![any::<String>(), soup()]) {
        let answer = answer(&header);
        let media = answer.split("; escaping=").next().unwrap();
        let known = [TEXT_004, TEXT_100, OPENMETRICS_001, OPENMETRICS_100, PROTOBUF];
        prop_assert!(known.contains(&media), "{}", media);
        let _ = compression(Some(&header));
    }

    #[test]
    fn an_answer_asked_for_by_its_own_name_is_given(header in soup()) {
        let first = answer(&header);
        prop_assert_eq!(answer(&first), first);
    }
}
