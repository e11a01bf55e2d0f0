//! What is wrong with the options: one line that names the flag, the variable or the file, the
//! value, and what is accepted; and an exit code that is not 0.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;

use tempfile::TempDir;

use crate::exporter::Plan;
use crate::locust::Locust;

/// Exit code of a wrong option, and of a wrong file that an option names.
const USAGE: i32 = 2;
/// Exit code where the options are sound and the system refuses.
const FAILURE: i32 = 1;

/// What must never be shown.
const SECRET: &str = "s3cret";

/// Asserts that the exporter ends with this code and exactly one line, which has all these words.
#[track_caller]
fn assert_ends(plan: Plan, code: i32, words: &[&str]) {
    let ended = plan.ends();
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert_eq!(ended.lines.len(), 1, "{ended:?}");
    // In a line of the log quotes are escaped.
    let line = ended.lines[0].replace("\\\"", "\"");
    for word in words {
        assert!(line.contains(word), "{word:?} is not in {line}");
    }
    assert!(!ended.lines[0].contains(SECRET), "{ended:?}");
}

/// Asserts the line for a value given by its flag, and for the same given by its variable.
#[track_caller]
fn assert_refused(flag: &str, variable: &str, value: &str, words: &[&str]) {
    assert_ends(Plan::new().arg(format!("{flag}={value}")), USAGE, &[&[flag], words].concat());
    let named = format!("variable {variable}");
    assert_ends(Plan::new().var(variable, value), USAGE, &[&[&*named], words].concat());
    let line = &Plan::new().var(variable, value).ends().lines[0];
    assert!(!line.contains(&format!("{flag} ")) && !line.contains(&format!("{flag}:")), "{line}");
}

/// It did nothing, silently.
#[test]
fn a_misspelt_variable_is_told_once_with_the_nearest_name() {
    let locust = Locust::running();
    let exporter = Plan::of(&locust)
        .var("LOCUST_EXPORTER_METRIC_SCHEMA", "standard")
        .var("LOCUST_EXPORTER_SERVICE_HOST", "10.0.0.1")
        .var("LOCUST_EXPORTER_PORT", "tcp://10.0.0.1:9646")
        .var("LOCUST_EXPORTER_METRICS_BUCKETS", "1,2")
        .start();
    exporter.scrape();
    let lines = exporter.told(&["level=warn", "variable LOCUST_EXPORTER_"]);
    let [line] = &lines[..] else { panic!("{}", exporter.log()) };
    assert!(line.contains("LOCUST_EXPORTER_METRIC_SCHEMA does nothing"), "{line}");
    assert!(line.contains("the nearest is LOCUST_EXPORTER_METRICS_SCHEMA"), "{line}");
}

#[test]
fn an_empty_variable_of_any_option_is_one_that_is_not_set() {
    let locust = Locust::running();
    let options = include_str!("../../../../docs/options.md");
    let names = options.split('`').filter(|word| word.starts_with("LOCUST_"));
    let names: std::collections::BTreeSet<_> =
        names.filter(|name| *name != "LOCUST_EXPORTER_URI").collect();
    assert!(names.len() > 60, "{names:?}");
    let plan = names.iter().fold(Plan::of(&locust), |plan, name| plan.var(name, ""));
    let exporter = plan.start();
    assert!(exporter.scrape().value("locust_up", &[]).unwrap() > 0.0);
    assert!(exporter.told(&["level=warn"]).is_empty(), "{}", exporter.log());
}

/// It named a flag that nobody had typed.
#[test]
fn what_fails_at_the_start_is_named_as_it_was_given() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let variable = "LOCUST_EXPORTER_WEB_LISTEN_ADDRESS";
    let plan = Plan::new().var(variable, &address);
    assert_ends(plan, FAILURE, &[&address, "another program", variable]);
    let variable = "LOCUST_EXPORTER_LOCUST_TLS_CA_FILE";
    let plan = Plan::new().var(variable, "/nonexistent").arg("--locust.uri=https://a:1/");
    let line = &plan.ends().lines[0];
    assert!(line.contains(variable) && !line.contains("--locust.tls.ca-file"), "{line}");
}

#[test]
fn a_flag_that_is_none() {
    assert_ends(Plan::new().arg("--locust.frobnicate"), USAGE, &["--locust.frobnicate", "--help"]);
    assert_ends(Plan::new().arg("--locust.urii=x"), USAGE, &["--locust.urii", "'--locust.uri'"]);
    assert_ends(Plan::new().arg("serve"), USAGE, &["serve", "--help"]);
}

#[test]
fn a_flag_without_its_value() {
    assert_ends(Plan::new().arg("--locust.timeout"), USAGE, &["--locust.timeout", "required"]);
}

#[test]
fn a_timeout_that_is_none() {
    for value in ["5", "soon", "-1s", "0s", "999999h"] {
        let accepted = match value {
            "0s" => "more than 0",
            "999999h" => "at most 8760h",
            _ => "5s, 1m30s or 250ms",
        };
        let words = [&*format!("'{value}'"), accepted];
        assert_refused("--locust.timeout", "LOCUST_EXPORTER_TIMEOUT", value, &words);
    }
}

#[test]
fn a_uri_that_is_none() {
    for (value, shown) in [
        ("localhost:8089", "\"localhost:8089\""),
        ("ftp://locust", "\"ftp://locust\""),
        ("http://", "\"http://\""),
        ("http://host:port", "\"http://host:port\""),
        ("http://ana:s3cret@host:99999", "\"host:99999\""),
        ("ana:s3cret@host:8089", "\"host:8089\""),
    ] {
        let words = [shown, "http(s)://host[:port][/base-path]"];
        assert_refused("--locust.uri", "LOCUST_EXPORTER_URI", value, &words);
    }
}

#[test]
fn the_same_uri_twice() {
    let words = ["http://a:8089", "twice"];
    assert_refused("--locust.uri", "LOCUST_EXPORTER_URI", "http://a:8089,http://a:8089/", &words);
}

#[test]
fn a_comma_in_a_password() {
    let words = ["comma", "%2C"];
    let value = "http://ana:s3cret,0h@host:8089";
    assert_refused("--locust.uri", "LOCUST_EXPORTER_URI", value, &words);
}

#[test]
fn an_address_in_place_of_a_flag_or_of_another_value_keeps_its_password() {
    let uri = "http://ana:s3cret@host:8089";
    assert_ends(Plan::new().arg(uri), USAGE, &["@host:8089"]);
    let plan = Plan::new().arg(format!("--locust.timeout={uri}"));
    assert_ends(plan, USAGE, &["--locust.timeout", "@host:8089"]);
    assert_ends(Plan::new().arg("--locust.password=s3cret"), USAGE, &["--locust.password-file"]);
}

#[test]
fn an_address_to_listen_on_that_is_none() {
    for value in ["nowhere", "127.0.0.1:99999", "127.0.0.1", "::1:9646"] {
        let words = [&*format!("{value:?}"), ":9646, 127.0.0.1:9646 or [::1]:9646"];
        let variable = "LOCUST_EXPORTER_WEB_LISTEN_ADDRESS";
        assert_refused("--web.listen-address", variable, value, &words);
    }
}

#[test]
fn a_schema_that_is_none() {
    let words = ["\"modern\"", "standard, classic or boomer"];
    let variable = "LOCUST_EXPORTER_METRICS_SCHEMA";
    assert_refused("--metrics.schema", variable, "standard,modern", &words);
}

#[test]
fn a_namespace_that_is_none() {
    for value in ["9load", "load-test", "läst", "a b"] {
        let words = [&*format!("{value:?}"), "letters, digits and underscores"];
        assert_refused("--locust.namespace", "LOCUST_METRIC_NAMESPACE", value, &words);
    }
    assert_ends(Plan::new().arg("--locust.namespace="), USAGE, &["--locust.namespace", "\"\""]);
}

#[test]
fn a_label_that_is_none() {
    for (value, words) in [
        ("team", ["'team'", "KEY=VALUE"]),
        ("9team=a", ["\"9team\"", "letters, digits and underscores"]),
        ("__name__=a", ["\"__name__\"", "reserved"]),
        ("run=1,run=2", ["\"run\"", "twice"]),
        ("method=GET", ["\"method\"", "use another name"]),
        ("target=a", ["\"target\"", "use another name"]),
        ("quantile=a", ["\"quantile\"", ""]),
        ("le=a", ["\"le\"", ""]),
    ] {
        assert_refused("--label", "LOCUST_EXPORTER_LABEL", value, &words);
    }
}

#[test]
fn a_number_that_is_none() {
    for (flag, variable) in [
        ("--web.max-requests", "LOCUST_EXPORTER_WEB_MAX_REQUESTS"),
        ("--web.max-connections", "LOCUST_EXPORTER_WEB_MAX_CONNECTIONS"),
        ("--metrics.max-names", "LOCUST_EXPORTER_METRICS_MAX_NAMES"),
        ("--metrics.max-errors", "LOCUST_EXPORTER_METRICS_MAX_ERRORS"),
    ] {
        assert_refused(flag, variable, "-1", &["'-1'", "a whole number, 0 or more"]);
    }
}

#[test]
fn a_word_that_is_none_of_those_known() {
    for (flag, variable, accepted) in [
        ("--log.level", "LOCUST_EXPORTER_LOG_LEVEL", "debug, info, warn, error"),
        ("--log.format", "LOCUST_EXPORTER_LOG_FORMAT", "logfmt, json"),
        ("--locust.auth", "LOCUST_EXPORTER_LOCUST_AUTH", "login, basic"),
        ("--locust.quantiles", "LOCUST_EXPORTER_LOCUST_QUANTILES", "default, all"),
    ] {
        assert_refused(flag, variable, "loud", &["'loud'", accepted]);
    }
}

#[test]
fn a_boolean_that_is_none() {
    let variable = "LOCUST_EXPORTER_EXIT_AFTER_TEST";
    let words = [variable, "'maybe'", "1, true, yes"];
    assert_ends(Plan::new().var(variable, "maybe"), USAGE, &words);
}

#[test]
fn half_of_a_pair() {
    let one = Plan::new().arg("--locust.tls.cert-file=/a.pem");
    assert_ends(one, USAGE, &["--locust.tls.cert-file", "--locust.tls.key-file is missing"]);
    let other = Plan::new().var("LOCUST_EXPORTER_LOCUST_TLS_KEY_FILE", "/a.pem");
    let words = ["LOCUST_EXPORTER_LOCUST_TLS_KEY_FILE", "--locust.tls.cert-file is missing"];
    assert_ends(other, USAGE, &words);
    let name = Plan::new().arg("--locust.username=ana");
    assert_ends(name, USAGE, &["--locust.username", "no password", "--locust.password-file"]);
    let password = Plan::new().var("LOCUST_EXPORTER_LOCUST_PASSWORD", SECRET);
    assert_ends(password, USAGE, &["a password was given, but no user name"]);
}

#[test]
fn two_credentials_for_one_locust() {
    let token = || Plan::new().var("LOCUST_EXPORTER_LOCUST_BEARER_TOKEN", SECRET);
    let both = token().arg("--locust.username=ana").var("LOCUST_EXPORTER_LOCUST_PASSWORD", SECRET);
    assert_ends(both, USAGE, &["a bearer token and a password"]);
    let both = token().arg("--locust.uri=http://ana:s3cret@host");
    assert_ends(both, USAGE, &["http://host/", "user or password", "bearer token"]);
}

#[test]
fn a_file_that_is_not_there() {
    let nowhere = "/nonexistent/file";
    for flag in [
        "--locust.password-file",
        "--locust.bearer-token-file",
        "--locust.tls.ca-file",
        "--web.config.file",
        "--config.file",
    ] {
        let plan = Plan::new().arg(format!("{flag}={nowhere}"));
        let plan = if flag.contains("password") { plan.arg("--locust.username=ana") } else { plan };
        assert_ends(plan, USAGE, &[nowhere, "No such file"]);
    }
}

#[test]
fn what_is_wrong_towards_a_locust_is_named_with_its_address_and_flag() {
    let folder = TempDir::new().unwrap();
    let (here, nowhere) = (write(&folder, "hello.pem", "hello"), "/nonexistent/file".to_owned());
    let (ca, name) = ("--locust.tls.ca-file", "--locust.tls.server-name");
    let (cert, key) = ("--locust.tls.cert-file", "--locust.tls.key-file");
    for (wrong, options) in [
        (ca, vec![(ca, &nowhere)]),
        (ca, vec![(ca, &here)]),
        (cert, vec![(cert, &nowhere), (key, &here)]),
        (name, vec![(name, &nowhere)]),
    ] {
        let plan = Plan::new().arg("--locust.uri=https://somewhere:1/");
        let plan =
            options.iter().fold(plan, |plan, (flag, value)| plan.arg(format!("{flag}={value}")));
        assert_ends(plan, USAGE, &["https://somewhere:1: ", wrong, options[0].1]);
    }
}

#[test]
fn a_variable_with_a_secret_that_is_not_utf8() {
    let secret = OsStr::from_bytes(b"s3cret\xff");
    for variable in ["LOCUST_EXPORTER_LOCUST_PASSWORD", "LOCUST_EXPORTER_LOCUST_BEARER_TOKEN"] {
        assert_ends(Plan::new().var(variable, secret), USAGE, &[variable, "not valid UTF-8"]);
    }
}

#[test]
fn a_secret_file_without_a_secret() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "token", "\n");
    let plan = Plan::new().arg(format!("--locust.bearer-token-file={file}"));
    assert_ends(plan, USAGE, &[&file, "is empty"]);
}

#[test]
fn a_ca_file_that_holds_no_certificate() {
    let folder = TempDir::new().unwrap();
    let file = write(&folder, "ca.pem", "hello");
    let plan = Plan::new().arg(format!("--locust.tls.ca-file={file}"));
    assert_ends(plan, USAGE, &[&file, "CA file"]);
}

fn write(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().map(str::to_owned).unwrap()
}

#[test]
fn a_web_configuration_file_that_is_wrong() {
    let folder = TempDir::new().unwrap();
    for (text, words) in [
        ("{", ["unclosed", ""]),
        ("tls_serve_config: {}\n", ["`tls_serve_config`", "tls_server_config"]),
        ("basic_auth_users: {ana: s3cret}\n", ["\"ana\"", "bcrypt"]),
        ("tls_server_config: {cert_file: no.pem, key_file: no.key}\n", ["no.pem", "No such file"]),
    ] {
        let file = write(&folder, "web.yml", text);
        let plan = Plan::new().arg(format!("--web.config.file={file}"));
        assert_ends(plan, USAGE, &[&["--web.config.file", &*file], &words[..]].concat());
    }
}

#[test]
fn a_probe_configuration_file_that_is_wrong() {
    let folder = TempDir::new().unwrap();
    write(&folder, "empty", "");
    write(&folder, "secret", SECRET);
    for (text, words) in [
        ("{", ["unclosed", "line 1"]),
        ("allowed_target: [a]\n", ["`allowed_target`", "allowed_targets, modules"]),
        ("allowed_targets: ['a b']\n", ["\"a b\"", "[http:// or https://]host[:port]"]),
        ("modules: {m: {timeout: 5}}\n", ["\"5\"", "5s, 1m30s or 250ms"]),
        ("modules: {m: {quantiles: some}}\n", ["`some`", "default, all"]),
        ("modules: {m: {auth: {password: s3cret}}}\n", ["`password`", "password_file"]),
        ("modules: {m: {auth: s3cret}}\n", ["line 1", ""]),
        ("modules: {m: {auth: {username: a}}}\n", ["module \"m\"", "no password"]),
        ("modules: {m: {auth: {bearer_token_file: no}}}\n", ["module \"m\"", "No such file"]),
        ("modules: {m: {auth: {bearer_token_file: empty}}}\n", ["module \"m\"", "is empty"]),
        (
            "modules: {m: {auth: {username: a, password_file: secret, bearer_token_file: secret}}}",
            ["module \"m\"", "use one"],
        ),
        ("modules: {m: {tls: {cert_file: a}}}\n", ["module \"m\"", "key_file"]),
        ("modules: {m: {tls: {ca_file: no.pem}}}\n", ["module \"m\"", "no.pem"]),
        ("modules: {m: {tls: {ca_file: secret}}}\n", ["module \"m\"", "secret"]),
        ("modules: {m: {tls: {server_name: 'a b'}}}\n", ["module \"m\"", "\"a b\""]),
    ] {
        let file = write(&folder, "probe.yml", text);
        let plan = Plan::new().arg(format!("--config.file={file}"));
        assert_ends(plan, USAGE, &[&[&*file], &words[..]].concat());
    }
}

#[test]
fn a_telemetry_path_that_cannot_be() {
    for path in ["/healthz", "/-/ready", "/-/reload", "/quitquitquit", "/probe"] {
        let plan = Plan::new().arg(format!("--web.telemetry-path={path}"));
        assert_ends(plan, USAGE, &["--web.telemetry-path", path, "choose another"]);
    }
    for path in ["metrics", "", "/a b", "/a?b", "/{a}"] {
        let plan = Plan::new().arg(format!("--web.telemetry-path={path}"));
        assert_ends(plan, USAGE, &["--web.telemetry-path", path, "/metrics"]);
    }
}

#[test]
fn a_busy_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let plan = Plan::new().arg(format!("--web.listen-address={address}"));
    assert_ends(plan, FAILURE, &[&address, "another program", "--web.listen-address"]);
}

#[test]
fn one_busy_port_of_two() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let plan = Plan::new().arg(format!("--web.listen-address=127.0.0.1:0,{address}"));
    assert_ends(plan, FAILURE, &[&address, "another program"]);
}

#[test]
fn an_address_of_another_machine() {
    let plan = Plan::new().arg("--web.listen-address=192.0.2.1:9646");
    assert_ends(plan, FAILURE, &["192.0.2.1:9646", "an address of this machine"]);
}

#[test]
fn a_fifo_or_a_device_in_the_place_of_a_file_neither_hangs_nor_fills_the_memory() {
    let folder = TempDir::new().unwrap();
    let fifo = folder.path().join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
    let fifo = fifo.display().to_string();
    for (path, kind) in [(&*fifo, "it is a FIFO"), ("/dev/zero", "it is a device")] {
        for (flag, others) in [
            ("--locust.password-file", &["--locust.username=ana"][..]),
            ("--locust.bearer-token-file", &[]),
            ("--locust.tls.ca-file", &[]),
            ("--push.otlp.bearer-token-file", &["--push.otlp.endpoint=http://127.0.0.1:1"]),
            ("--push.otlp.tls.ca-file", &["--push.otlp.endpoint=https://127.0.0.1:1"]),
        ] {
            let plan = Plan::new().args(others).arg("--web.listen-address=127.0.0.1:0");
            assert_ends(plan.arg(format!("{flag}={path}")), USAGE, &[flag, path, kind]);
        }
        for flag in ["--config.file", "--web.config.file"] {
            let plan = Plan::new().arg("--web.listen-address=127.0.0.1:0");
            assert_ends(plan.arg(format!("{flag}={path}")), USAGE, &[path, kind]);
        }
    }
}
