//! The matrix of good and bad web configuration files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use web::{Config, Error, Server};

use crate::support::{Pki, Small, Source, config, hooks};

/// The files of `tests/web-config/KIND`, each copied beside certificates and keys.
fn matrix(kind: &str, directory: &Path) -> Vec<(String, String, PathBuf)> {
    let pki = Pki::new();
    fs::write(directory.join("server.crt"), &pki.server.cert).unwrap();
    fs::write(directory.join("server.key"), &pki.server.key).unwrap();
    fs::write(directory.join("ca.crt"), &pki.ca.cert).unwrap();
    fs::write(directory.join("ca.key"), &pki.ca.key).unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/web-config").join(kind);
    let mut files: Vec<_> =
        fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let copied = files.into_iter().map(|file| {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let copy = directory.join(&name);
        fs::write(&copy, &text).unwrap();
        (name, text, copy)
    });
    copied.collect()
}

async fn bind(file: PathBuf) -> Result<Server, Error> {
    let config = Config { config_file: Some(file), ..config() };
    Server::bind(config, hooks(&Arc::new(Source::new(Small)))).await
}

#[tokio::test]
async fn good_files_are_taken() {
    let directory = tempfile::tempdir().unwrap();
    for (name, _, file) in matrix("good", directory.path()) {
        if let Err(error) = bind(file).await {
            panic!("{name}: {error}");
        }
    }
}

/// The first line of every bad file is a comment with the message, after the file's name.
#[tokio::test]
async fn bad_files_are_refused_with_their_name_and_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, text, file) in matrix("bad", directory.path()) {
        let expected = text.lines().next().unwrap().strip_prefix("# ").unwrap();
        let got = match bind(file.clone()).await {
            Ok(_) => "taken".to_owned(),
            Err(error) => error.to_string(),
        };
        let directory = format!("{}/", directory.path().display());
        let got = got.replace(&directory, "");
        let line = format!("--web.config.file: web configuration file {name}{expected}");
        if got != line || got.contains("hunter2") {
            wrong.push(format!("{name}\n  expected {expected}\n  got      {got}\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}

#[tokio::test]
async fn an_absent_file_is_named() {
    let error = bind("/nonexistent/web.yml".into()).await.unwrap_err().to_string();
    assert!(error.contains("cannot read /nonexistent/web.yml: No such file"), "{error}");
}
