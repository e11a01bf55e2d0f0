//! `/probe`: one Locust, named by who asks, within what the configuration file allows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::http::{Answer, encode};
use e2e::process::Signal;
use tempfile::TempDir;

use crate::answers::{self, STATS};
use crate::exporter::{Exporter, Plan, assert_absent, assert_is, read};
use crate::guard::Guard;
use crate::locust::Locust;

/// A folder with a configuration file and the secrets that it names.
struct Folder(TempDir);

impl Folder {
    fn with(config: &str) -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.write("probe.yml", config);
        folder
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    #[track_caller]
    fn start(&self) -> Exporter {
        let file = self.path().join("probe.yml");
        Plan::new().arg(format!("--config.file={}", file.display())).start()
    }
}

const LOCAL: &str = "allowed_targets: [127.0.0.1]\n";

#[track_caller]
fn probe(exporter: &Exporter, target: &str, module: Option<&str>) -> Answer {
    let module = module.map_or_else(String::new, |module| format!("&module={module}"));
    exporter.get(&format!("/probe?target={}{module}", encode(target)))
}

#[test]
fn a_target_is_an_address_or_a_url_and_has_no_target_label() {
    let locust = Locust::running();
    let exporter = Folder::with(LOCAL).start();
    for target in [locust.address.to_string(), locust.uri(), format!("{}/", locust.uri())] {
        let scrape = read(&probe(&exporter, &target, None));
        assert_is(&scrape, "locust_up", &[], 1.0);
        assert_is(&scrape, "locust_requests_total", &[("name", "/ok")], 179.0);
        assert!(scrape.0.iter().all(|sample| !sample.labels.contains_key("target")));
    }
    assert_eq!(locust.count(STATS), 3, "each probe asks anew");
}

#[test]
fn the_flag_has_a_variable() {
    let locust = Locust::running();
    let folder = Folder::with(LOCAL);
    let file = folder.path().join("probe.yml");
    let exporter = Plan::new().var("LOCUST_EXPORTER_CONFIG_FILE", file).start();
    assert_eq!(probe(&exporter, &locust.uri(), None).status, 200);
}

#[test]
fn without_the_file_there_is_no_probe() {
    let locust = Locust::running();
    let exporter = Plan::of(&locust).start();
    assert_eq!(probe(&exporter, &locust.uri(), None).status, 404);
    assert!(locust.seen().is_empty());
}

#[test]
fn a_target_that_is_down_is_200_and_up_0() {
    let exporter = Folder::with(LOCAL).start();
    let scrape = read(&probe(&exporter, "127.0.0.1:1", None));
    assert_is(&scrape, "locust_up", &[], 0.0);
    assert_absent(&scrape, "locust_users", &[]);
    assert_eq!(exporter.told(&["http://127.0.0.1:1", "cannot be read"]).len(), 1);
}

#[test]
fn a_target_that_is_not_allowed_is_403_and_not_asked() {
    let locust = Locust::running();
    for config in ["", "allowed_targets: []\n", "allowed_targets: ['127.0.0.1:1', '*.test']\n"] {
        let answer = probe(&Folder::with(config).start(), &locust.uri(), None);
        assert_eq!(answer.status, 403, "{config:?}");
        let text = answer.text().unwrap();
        assert!(text.contains(&locust.uri()) && text.contains("allowed_targets"), "{text}");
    }
    assert!(locust.seen().is_empty());
}

#[test]
fn a_modules_own_list_narrows_the_files() {
    let locust = Locust::running();
    let config = "allowed_targets: [127.0.0.0/8]\nmodules:\n  away:\n    \
                  allowed_targets: [127.9.9.9]\n  here: {}\n";
    let exporter = Folder::with(config).start();
    assert_eq!(probe(&exporter, &locust.uri(), Some("away")).status, 403);
    assert_eq!(probe(&exporter, &locust.uri(), Some("here")).status, 200);
}

#[test]
fn what_is_no_target_is_400_and_named() {
    let exporter = Folder::with(LOCAL).start();
    let asked = |query: &str| {
        let answer = exporter.get(&format!("/probe{query}"));
        assert_eq!(answer.status, 400, "{query}");
        answer.text().unwrap().to_owned()
    };
    assert!(asked("").contains("target"));
    assert!(asked("?target=").contains("target"));
    assert!(asked("?module=x").contains("target"));
    assert!(asked("?target=ftp://127.0.0.1").contains("ftp://127.0.0.1"));
    assert!(asked("?target=127.0.0.1&module=ghost").contains("ghost"));
    let text = asked("?target=http://ana:s3cret@127.0.0.1");
    assert!(text.contains("module") && !text.contains("s3cret"), "{text}");
}

#[test]
fn a_module_logs_in_as_it_is_told() {
    let config = format!(
        "{LOCAL}modules:\n  \
         basic: {{auth: {{method: basic, username: ana, password_file: password}}}}\n  \
         form: {{auth: {{username: ana, password_file: password}}}}\n  \
         token: {{auth: {{bearer_token_file: token}}}}\n"
    );
    let folder = Folder::with(&config);
    folder.write("password", "s3cret\n");
    folder.write("token", "t0ken\n");
    let exporter = folder.start();
    for (module, guard) in [
        ("basic", Guard::Basic("ana", "s3cret")),
        ("form", Guard::Login("ana", "s3cret")),
        ("token", Guard::Bearer("t0ken")),
    ] {
        let locust = Locust::running();
        locust.demand(guard);
        let scrape = read(&probe(&exporter, &locust.uri(), None));
        assert_is(&scrape, "locust_up", &[], 0.0);
        for _ in 0..2 {
            let scrape = read(&probe(&exporter, &locust.uri(), Some(module)));
            assert_is(&scrape, "locust_up", &[], 1.0);
        }
        let logins = usize::from(module == "form");
        assert_eq!(locust.count("/login_submit"), logins, "a session is kept");
    }
}

#[test]
fn the_module_named_default_is_that_of_who_names_none() {
    let locust = Locust::running();
    locust.demand(Guard::Bearer("t0ken"));
    let folder = Folder::with(&format!(
        "{LOCAL}modules: {{default: {{auth: {{bearer_token_file: token}}}}}}\n"
    ));
    folder.write("token", "t0ken");
    let scrape = read(&probe(&folder.start(), &locust.uri(), None));
    assert_is(&scrape, "locust_up", &[], 1.0);
}

#[test]
fn sighup_and_reload_read_the_file_again() {
    let locust = Locust::running();
    let folder = Folder::with("allowed_targets: []\n");
    let mut exporter = folder.start();
    assert_eq!(probe(&exporter, &locust.uri(), None).status, 403);

    folder.write("probe.yml", LOCAL);
    assert_eq!(probe(&exporter, &locust.uri(), None).status, 403, "not before it is told");
    let answer = exporter.ask("POST", "/-/reload", &[]);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(probe(&exporter, &locust.uri(), None).status, 200);

    folder.write("probe.yml", "allowed_targets: []\n");
    exporter.signal(Signal::HUP);
    let reloaded = || Ok((exporter.told(&["read again", "probe.yml"]).len() == 2).then_some(()));
    e2e::net::wait_closely("it is read again", crate::exporter::PATIENCE, reloaded).unwrap();
    assert_eq!(probe(&exporter, &locust.uri(), None).status, 403);
}

#[test]
fn a_broken_file_leaves_the_old_one_and_says_so() {
    let locust = Locust::running();
    let folder = Folder::with(LOCAL);
    let mut exporter = folder.start();
    folder.write("probe.yml", "allowed_target: [127.0.0.1]\n");

    let answer = exporter.ask("POST", "/-/reload", &[]);
    assert_eq!(answer.status, 500);
    let text = answer.text().unwrap();
    assert!(text.contains("probe.yml") && text.contains("allowed_target"), "{text}");
    assert_eq!(exporter.told(&["level=error", "probe.yml"]).len(), 1, "{}", exporter.log());
    assert_eq!(probe(&exporter, &locust.uri(), None).status, 200);

    std::fs::remove_file(folder.path().join("probe.yml")).unwrap();
    exporter.signal(Signal::HUP);
    exporter.wait_told(&["level=error", "probe.yml", "No such file"]);
    assert_eq!(probe(&exporter, &locust.uri(), None).status, 200);
}

#[test]
fn a_reload_takes_new_secrets() {
    let locust = Locust::running();
    locust.demand(Guard::Bearer("new"));
    let folder = Folder::with(&format!(
        "{LOCAL}modules: {{default: {{auth: {{bearer_token_file: token}}}}}}\n"
    ));
    folder.write("token", "old");
    let exporter = folder.start();
    assert_is(&read(&probe(&exporter, &locust.uri(), None)), "locust_up", &[], 0.0);
    folder.write("token", "new");
    assert_eq!(exporter.ask("POST", "/-/reload", &[]).status, 200);
    assert_is(&read(&probe(&exporter, &locust.uri(), None)), "locust_up", &[], 1.0);
}

#[test]
fn a_module_may_take_longer_than_locust_timeout() {
    let locust = Locust::running();
    let late =
        answers::Answer::json(answers::in_state("running")).after(Duration::from_millis(1500));
    locust.set(STATS, late);
    let config = format!("{LOCAL}modules: {{patient: {{timeout: 10s}}, hasty: {{timeout: 1s}}}}\n");
    let folder = Folder::with(&config);
    let file = folder.path().join("probe.yml");
    let exporter = Plan::new()
        .arg(format!("--config.file={}", file.display()))
        .arg("--locust.timeout=200ms")
        .start();
    for (module, up) in [("patient", 1.0), ("hasty", 0.0)] {
        let scrape = read(&probe(&exporter, &locust.uri(), Some(module)));
        assert_is(&scrape, "locust_up", &[], up);
    }
}

#[test]
fn a_probed_target_is_named_in_the_log_as_a_watched_one() {
    let locust = Locust::running();
    let exporter = Folder::with(LOCAL).start();
    for target in [locust.uri(), format!("{}/", locust.uri())] {
        probe(&exporter, &target, None);
    }
    let named = format!("locust={}", locust.uri());
    let told: Vec<_> = exporter.told(&["Locust answers"]);
    assert_eq!(told.len(), 1, "both are the same: {told:?}");
    assert!(told[0].split(' ').any(|word| word == named), "{told:?}");
}

#[test]
fn a_probed_target_has_no_target_label_beside_several_watched_ones() {
    let (locust, other) = (Locust::running(), Locust::running());
    let folder = Folder::with(LOCAL);
    let file = folder.path().join("probe.yml");
    let exporter = Plan::of(&locust)
        .arg(format!("--locust.uri={}", other.uri()))
        .arg(format!("--config.file={}", file.display()))
        .start();
    let scrape = read(&probe(&exporter, &locust.uri(), None));
    assert_is(&scrape, "locust_up", &[], 1.0);
    assert!(scrape.0.iter().all(|sample| !sample.labels.contains_key("target")));
}

#[test]
fn a_prober_that_makes_up_targets_does_not_fill_the_log() {
    let locust = Locust::running();
    let exporter = Folder::with("allowed_targets: ['127.0.0.1/*']\n").start();
    for number in 0..100 {
        let target = format!("{}/made-up-{number}", locust.uri());
        assert_is(&read(&probe(&exporter, &target, None)), "locust_up", &[], 0.0);
    }
    assert!(exporter.log().lines().count() < 50, "{}", exporter.log());
    let refused = Folder::with(LOCAL).start();
    let before = refused.log().lines().count();
    for number in 0..100 {
        let target = format!("{}/made-up-{number}", locust.uri());
        assert_eq!(probe(&refused, &target, None).status, 403);
    }
    assert_eq!(refused.log().lines().count(), before, "{}", refused.log());
}

#[test]
fn targets_without_number_keep_few_connections_and_reset_none() {
    let locust = Locust::running();
    let folder = Folder::with("allowed_targets: ['127.0.0.1/*']\n");
    let file = folder.path().join("probe.yml");
    let exporter =
        Plan::with_open_files(256).arg(format!("--config.file={}", file.display())).start();
    std::thread::scope(|scope| {
        for thread in 0..25 {
            let (exporter, locust) = (&exporter, &locust);
            scope.spawn(move || {
                for number in 0..8 {
                    let target = format!("{}/{thread}-{number}", locust.uri());
                    assert_eq!(probe(exporter, &target, None).status, 200);
                }
            });
        }
    });
    let few = || Ok((locust.connections() <= 256 / 10).then_some(()));
    e2e::net::wait_closely("few connections are kept", crate::exporter::PATIENCE, few).unwrap();
}

#[test]
fn while_a_file_is_slow_to_be_read_again_others_are_served() {
    let locust = Locust::running();
    let folder = Folder::with(LOCAL);
    let mut exporter = folder.start();
    let file = folder.path().join("probe.yml");
    std::fs::remove_file(&file).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status().unwrap();
    assert!(made.success());

    exporter.signal(Signal::HUP);
    // Opening the pipe waits until the exporter opens it too: now it reads, and has to wait.
    let pipe = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
    assert_eq!(probe(&exporter, &locust.uri(), None).status, 200);
    exporter.signal(Signal::TERM);
    assert_eq!(exporter.wait(), Some(0), "nor does the end wait for it");
    drop(pipe);
}
