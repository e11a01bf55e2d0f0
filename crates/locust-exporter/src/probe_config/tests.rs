use super::*;

fn load(text: &str) -> Result<ProbeConfig, ConfigFileError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("probe.yml");
    std::fs::write(folder.path().join("password"), "s3cret\n").expect("a file");
    std::fs::write(&path, text).expect("a file");
    ProbeConfig::load(&path)
}

fn config() -> ProbeConfig {
    load(
        "allowed_targets: ['*.load.svc', '127.0.0.0/8']
modules:
  login:
    timeout: 2s
    quantiles: all
    auth: {method: login, username: ana, password_file: password}
    allowed_targets: ['a.load.svc:8089']
",
    )
    .expect("a sound file")
}

#[test]
fn an_address_alone_is_a_target() {
    let (url, module, settings) = config().admit("127.0.0.1:8089", None).expect("admitted");
    assert_eq!((url.as_str(), &*module), ("http://127.0.0.1:8089/", "default"));
    assert_eq!(settings.timeout, Duration::from_secs(5));
}

#[test]
fn a_module_brings_its_credentials_and_limits() {
    let (_, _, module) = config().admit("a.load.svc:8089", Some("login")).expect("admitted");
    assert_eq!(module.timeout, Duration::from_secs(2));
    let refused = config().admit("b.load.svc:8089", Some("login")).expect_err("not for b");
    assert_eq!(refused, Refused::NotAllowed("b.load.svc:8089".to_owned()));
}

#[test]
fn targets_outside_the_list_are_refused() {
    let refused = config().admit("http://169.254.169.254/", None).expect_err("not listed");
    assert_eq!(refused, Refused::NotAllowed("http://169.254.169.254/".to_owned()));
    let refused = ProbeConfig::default().admit("127.0.0.1:8089", None).expect_err("empty list");
    assert_eq!(refused, Refused::NotAllowed("127.0.0.1:8089".to_owned()));
}

#[test]
fn a_prober_does_not_choose_the_path_that_gets_the_modules_credentials() {
    let config = load(
        "allowed_targets: ['127.0.0.1:8089', '127.0.0.1:8089/ours']
modules:
  cred:
    auth: {method: basic, username: ana, password_file: password}
",
    )
    .expect("a sound file");
    for target in ["127.0.0.1:8089", "http://127.0.0.1:8089/", "127.0.0.1:8089/ours/a"] {
        assert!(config.admit(target, Some("cred")).is_ok(), "{target}");
    }
    for target in
        ["http://127.0.0.1:8089/other-tenant", "127.0.0.1:8089/ours/../x", "127.0.0.1:8089/ours2"]
    {
        let refused = config.admit(target, Some("cred")).expect_err(target);
        assert_eq!(refused, Refused::NotAllowed(target.to_owned()));
    }
}

#[test]
fn a_module_whose_credentials_may_go_to_any_port_is_warned_of() {
    let warnings = |list: &str| {
        let text = format!(
            "allowed_targets: [{list}]
modules: {{open: {{}}, cred: {{auth: {{username: ana, password_file: password}}}}}}"
        );
        load(&text).expect("a sound file").warnings()
    };
    assert_eq!(warnings("'a:8089', '10.0.0.0/8:8089/base'"), [""; 0]);
    let warned = warnings("'a:8089', b");
    assert!(warned.len() == 1 && warned[0].contains("\"cred\""), "{warned:?}");
}

#[test]
fn targets_that_are_no_address_of_a_locust_are_refused() {
    for target in ["", "ftp://127.0.0.1", "http://127.0.0.1/?a=b", "http://", "file:///etc/passwd"]
    {
        let refused = config().admit(target, None).expect_err(target);
        assert_eq!(refused, Refused::BadTarget(target.to_owned()));
    }
}

#[test]
fn credentials_in_a_target_are_refused_and_not_repeated() {
    let refused = config().admit("http://ana:s3cret@127.0.0.1:8089", None).expect_err("refused");
    assert_eq!(refused, Refused::Credentials);
    assert!(!refused.to_string().contains("s3cret"));
}

#[test]
fn an_unknown_module_is_refused() {
    let refused = config().admit("127.0.0.1:8089", Some("nope")).expect_err("refused");
    assert_eq!(refused, Refused::UnknownModule("nope".to_owned()));
}

#[test]
fn what_is_wrong_in_a_file_is_named() {
    let wrong = [
        ("modulez: {}", "modulez"),
        ("modules: {a: {timeout: 5}}", "duration"),
        ("modules: {a: {timeout: soon}}", "\"soon\""),
        ("modules: {a: {auth: {username: ana}}}", "password"),
        ("modules: {a: {auth: {username: ana, password_file: nowhere}}}", "nowhere"),
        ("modules: {a: {tls: {cert_file: c.pem}}}", "key_file"),
        ("modules: {a: {quantiles: some}}", "some"),
        ("allowed_targets: ['*']", "\"*\""),
    ];
    for (text, word) in wrong {
        let message = load(text).expect_err(text).to_string();
        assert!(message.contains("probe.yml") && message.contains(word), "{text}: {message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}
