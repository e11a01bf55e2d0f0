use proptest::prelude::*;

use super::*;

#[test]
fn what_a_backend_has_already_is_told_from_what_it_will_not_take() {
    for (body, wanted) in [
        ("out of order sample\n", Refusal::Had),
        ("duplicate sample for timestamp\n", Refusal::Had),
        (
            "out of order sample for series {a=\"1\"}\nduplicate sample for timestamp for \
             series {a=\"2\"}\n",
            Refusal::Had,
        ),
        (
            "failed pushing to ingester: user=1: the sample has been rejected because another \
             sample with a more recent timestamp has already been ingested and out-of-order \
             samples are not allowed (err-mimir-sample-out-of-order). The affected sample …",
            Refusal::Had,
        ),
        ("… (err-mimir-sample-duplicate-timestamp). The affected …", Refusal::Had),
        ("out of bounds\n", Refusal::TooOld),
        ("too old sample\n", Refusal::TooOld),
        ("… (err-mimir-sample-timestamp-too-old). The affected …", Refusal::TooOld),
        (
            "duplicate sample for timestamp 1795288456411; overrides not allowed: existing 2, \
             new value 3 for series {__name__=\"a2_total\", job=\"j\"}\n",
            Refusal::Had,
        ),
        ("out of bounds for series {a=\"1\"}\n", Refusal::TooOld),
        (
            "out of bounds: timestamp is too far in the future for series {a=\"1\"}\n",
            Refusal::Other,
        ),
        ("out of bounds: timestamp is too far in the future\n", Refusal::Other),
        ("out of order sample for series {a=\"1\"}\ninvalid labels\n", Refusal::Other),
        ("out of order sample for series {a=\"1\"}\nout of or", Refusal::Had),
        ("snappy: corrupt input\n", Refusal::Other),
        ("", Refusal::Other),
    ] {
        assert_eq!(Refusal::of(body), wanted, "{body}");
    }
}

/// As users of these backends have shown them in public, and as their sources make them.
#[test]
fn what_a_part_of_a_backend_says_is_read_behind_what_others_put_before_it() {
    for (body, wanted) in [
        // Mimir, an issue of March 2025.
        (
            "send data to ingesters: failed pushing to ingester mimir-ingester-0: \
             user=anonymous: the sample has been rejected because another sample with a more \
             recent timestamp has already been ingested and out-of-order samples are not \
             allowed (err-mimir-sample-out-of-order). The affected sample has timestamp \
             2025-03-07T13:04:02.887Z and is from series go_memory_classes_heap_objects_bytes\
             {instance=\"ip-1.us-west-2.compute.internal\"} (sampled 1/10)",
            Refusal::Had,
        ),
        // Mimir's pkg/ingester/errors.go, for a tenant whose name has a word of it.
        (
            "user=timeseries: the sample has been rejected because another sample with the \
             same timestamp, but a different value, has already been ingested \
             (err-mimir-sample-duplicate-timestamp). The affected sample has timestamp \
             1970-01-19T05:30:43.969Z and is from series {__name__=\"test\"}",
            Refusal::Had,
        ),
        (
            "failed pushing to ingester: user=1: the sample has been rejected because its \
             timestamp is too old (err-mimir-sample-timestamp-too-old). The affected sample \
             has timestamp 1970-01-19T05:30:43.969Z and is from series {__name__=\"test\"}",
            Refusal::TooOld,
        ),
        // Cortex, by a test tool in June 2021.
        (
            "user=system: err: out of order sample. timestamp=2021-06-11T15:44:36Z, \
             series={__name__=\"metric_looker_tQektn\", streamname=\"looker-1\"}\n",
            Refusal::Had,
        ),
        // Cortex's pkg/ingester/ingester.go with Prometheus's storage/errors.go.
        (
            "user=1: err: duplicate sample for timestamp 9000; overrides not allowed: existing \
             1, new value 2. series={__name__=\"test\"}\n",
            Refusal::Had,
        ),
        // Mimir before it had words of its own, an issue of May 2022.
        (
            "user=1234: err: out of bounds. timestamp=2022-05-20T13:22:47.101Z, \
             series={__name__=\"process_max_fds\", app=\"promtail\"}",
            Refusal::TooOld,
        ),
        ("user=1: err: too old sample. timestamp=1970-01-01T00:00:09Z, series={}", {
            Refusal::TooOld
        }),
        ("user=1: per-user series limit of 10 exceeded for series {a=\"1\"}\n", Refusal::Other),
        // Thanos 0.31 and 0.32, an issue of August 2023.
        (
            "store locally for endpoint 127.0.0.1:12907: add 1 samples: out of order sample\n",
            Refusal::Had,
        ),
        (
            "forwarding request to endpoint 127.0.0.1:12907: rpc error: code = AlreadyExists \
             desc = store locally for endpoint 127.0.0.1:12907: add 1 samples: out of order \
             sample\n",
            Refusal::Had,
        ),
        // Thanos's pkg/receive/handler.go, writer_errors.go and config.go of 2026.
        (
            "2 errors: add 1 samples: duplicate sample for timestamp; add 20 samples: out of \
             order sample\n",
            Refusal::Had,
        ),
        (
            "2 errors: forwarding request to endpoint addr: series-0:10901, capnp_addr: \
             series-0:19391, az: : rpc error: code = AlreadyExists desc = 2 errors: add 1 \
             samples: duplicate sample for timestamp; add 2 samples: out of order sample; \
             forwarding request to endpoint addr: series-1:10901, capnp_addr: series-1:19391, \
             az: : rpc error: code = AlreadyExists desc = add 3 samples: out of order sample\n",
            Refusal::Had,
        ),
        ("add 4 samples: too old sample\n", Refusal::TooOld),
        ("2 errors: add 1 samples: out of bounds; add 2 samples: out of order sample\n", {
            Refusal::Other
        }),
        (
            "2 errors: add 1 samples: out of order sample; add 3 series: out of order labels\n",
            Refusal::Other,
        ),
        ("add 2 exemplars: out of order exemplar\n", Refusal::Other),
        // Thanos before 0.27 says no more than this, also of labels that are out of order.
        ("store locally for endpoint 127.0.0.1:10901: conflict\n", Refusal::Other),
        (
            "forwarding request to endpoint 10.0.0.1:10901: rpc error: code = Unavailable desc \
             = out of order sample\n",
            Refusal::Other,
        ),
        (
            "forwarding request to endpoint a:1: rpc error: code = Internal desc = 2 errors: \
             full; forwarding request to endpoint b:1: rpc error: code = AlreadyExists desc = \
             add 1 samples: out of order sample\n",
            Refusal::Other,
        ),
    ] {
        assert_eq!(Refusal::of(body), wanted, "{body}");
    }
}

#[test]
fn of_a_list_that_was_cut_off_nobody_knows_what_the_rest_said() {
    let cut = "3 errors: add 1 samples: out of order sample; add 2 samples: out of order sample";
    assert_eq!(Refusal::of(cut), Refusal::Other);
    assert_eq!(Refusal::of(&cut.replace('3', "2")), Refusal::Had);
    // One that has another in it, whichever of them was cut.
    let desc = "rpc error: code = AlreadyExists desc =";
    let inner = format!("2 errors: {desc} 2 errors: out of bounds; out of bounds");
    assert_eq!(Refusal::of(&inner), Refusal::Other);
    assert_eq!(Refusal::of(&format!("{inner}; out of bounds")), Refusal::TooOld);
    let last = format!("2 errors: out of bounds; {desc} 2 errors: out of bounds");
    assert_eq!(Refusal::of(&last), Refusal::Other);
    assert_eq!(Refusal::of(&format!("{last}; out of bounds")), Refusal::TooOld);
    // No number that a backend would say.
    let many = format!("{}0 errors: out of bounds; out of bounds", u64::MAX);
    assert_eq!(Refusal::of(&many), Refusal::Other);
}

#[test]
fn a_label_that_says_out_of_order_does_not_make_refused_data_delivered() {
    for body in [
        "invalid labels for series {name=\"Item out of order sample\"}\n",
        "received a series whose label value is too long, label: 'name', value: \
         '(err-mimir-sample-out-of-order)'\n",
        "label value out of order sample is too long\n",
        "user=1: label value \"x: err: out of order sample\" is too long\n",
        "2 errors: invalid label 'a; out of order sample'; out of order sample\n",
    ] {
        assert_eq!(Refusal::of(body), Refusal::Other, "{body}");
    }
}

/// Values like what backends say, and any others.
fn value() -> impl Strategy<Value = String> {
    let words = [
        "out of order sample",
        "duplicate sample for timestamp",
        "out of bounds",
        "too old sample",
        "future",
        "series",
        "(err-mimir-sample-out-of-order)",
        "(err-mimir-sample-timestamp-too-old)",
        "user=1: ",
        "err: ",
        "; ",
        "\"} ",
        "\n",
    ];
    let word = prop_oneof![
        any::<String>(),
        proptest::sample::select(words.to_vec()).prop_map(String::from)
    ];
    proptest::collection::vec(word, 0..4).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn the_values_of_labels_never_change_a_verdict(values in [value(), value()]) {
        // Backends quote them, so that a line remains one.
        let [one, other] = values.map(|value| format!("{value:?}"));
        for beginning in [
            "out of order sample for ",
            "duplicate sample for timestamp 5; overrides not allowed: existing 2, new value 3 \
             for ",
            "out of bounds for ",
            "out of bounds: timestamp is too far in the future for ",
            "too old sample for ",
            "invalid labels for ",
            "failed pushing to ingester: user=1: rejected (err-mimir-sample-out-of-order). The \
             affected sample has timestamp 5 and is from ",
            "rejected (err-mimir-max-label-value-length). The affected one is of ",
            "user=1: err: out of order sample. timestamp=1970-01-01T00:00:09Z, ",
            "user=1: err: invalid labels. timestamp=1970-01-01T00:00:09Z, ",
            "user=1: ",
            "2 errors: add 1 samples: invalid labels for ",
        ] {
            let line = |one: &str, other: &str| {
                Refusal::of(&format!("{beginning}series {{a={one}, b={other}}}\n"))
            };
            prop_assert_eq!(line(&one, &other), line("\"1\"", "\"2\""), "{}", beginning);
            let bare = Refusal::of(&format!("{beginning}{{a={one}, b={other}}}\n"));
            prop_assert_eq!(bare, line("\"1\"", "\"2\""), "{}", beginning);
        }
    }
}
