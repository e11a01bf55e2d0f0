use super::*;

const PASSWORD: &str = "p\"ss/w é+rd";

fn secrets() -> Secrets {
    let mut secrets = Secrets::default();
    secrets.add_basic("ana", PASSWORD);
    secrets
}

fn quoted(secrets: &Secrets, text: &str) -> String {
    secrets.quote(&Raw::new(text)).to_string()
}

#[test]
fn a_secret_is_cut_out_in_every_form_in_which_a_server_repeats_it() {
    let secrets = secrets();
    let pair = format!("ana:{PASSWORD}");
    for form in [
        PASSWORD.to_owned(),
        pair.clone(),
        BASE64_STANDARD.encode(&pair),
        BASE64_URL_SAFE_NO_PAD.encode(&pair),
        BASE64_STANDARD.encode(PASSWORD),
        BASE64_STANDARD.encode(BASE64_STANDARD.encode(&pair)),
        BASE64_STANDARD.encode(format!("Basic {}", BASE64_STANDARD.encode(&pair))),
        "p%22ss%2fw%20%C3%A9%2Brd".to_owned(),
        r#"p\"ss\/w \u00e9+rd"#.to_owned(),
        "p%22ss%2Fw+%C3%A9%2Brd".to_owned(),
        "p&quot;ss/w é+rd".to_owned(),
        "p\"ss/w\n  é+rd".to_owned(),
    ] {
        let line = quoted(&secrets, &format!("bad header: Basic {form}, see the docs"));
        assert!(line.contains("bad header: Basic") && line.ends_with(", see the docs"), "{line}");
        for part in ["ss/w", "ss%2f", r"ss\/w", "é+rd", &form[..6]] {
            assert!(!line.contains(part), "{part} of {form} is in {line}");
        }
    }
}

#[test]
fn nothing_else_is_cut() {
    for text in ["out of order sample", "user ana is unknown", "", "p", "pass"] {
        assert_eq!(quoted(&secrets(), text), text);
    }
    assert_eq!(quoted(&Secrets::default(), "all"), "all");
    let mut named = Secrets::default();
    named.add_basic("prometheus", "s3cret");
    assert_eq!(quoted(&named, "prometheus: no"), "prometheus: no");
    assert_eq!(quoted(&named, "prometheus:s3cret"), "prometheus:…");
}

#[test]
fn a_secret_at_the_border_of_the_excerpt_is_not_shown_in_part() {
    let mut secrets = Secrets::default();
    secrets.add("s3cret-token-of-some-length");
    for before in 90..125 {
        let text = format!("{}s3cret-token-of-some-length", "x".repeat(before));
        let line = quoted(&secrets, &text);
        assert!(!line.contains("s3c"), "{line}");
    }
}

#[test]
fn a_secret_of_which_only_the_beginning_was_read_is_not_shown() {
    let mut secrets = Secrets::default();
    secrets.add("s3cret-tokén");
    let token = "s3cret-tokén";
    for end in (BEGINNING..token.len()).filter(|end| token.is_char_boundary(*end)) {
        let line = quoted(&secrets, &format!("echo {}", &token[..end]));
        assert_eq!(line, "echo …");
    }
    // Read in the middle of a character.
    let bytes = &token.as_bytes()[..token.len() - 2];
    let line = secrets.quote(&Raw::of_bytes(bytes)).to_string();
    assert!(!line.contains("s3c"), "{line}");
}

#[test]
fn a_secret_that_the_peer_has_shortened_is_cut() {
    let mut secrets = Secrets::default();
    secrets.add("s3cret-token");
    assert_eq!(
        quoted(&secrets, "no such key: s3cret-to... (12 bytes)"),
        "no such key: …... (12 bytes)"
    );
    assert_eq!(quoted(&secrets, "s3cret is no key"), "s3cret is no key");
}

#[test]
fn secrets_of_addresses_and_headers_are_known() {
    let mut secrets = Secrets::default();
    secrets.add_url(&"http://me:p%40ss@host/x?token=t0ken%2Fvalue&a=1".parse().unwrap());
    secrets.add_header("Bearer b3arer");
    secrets.add_header("basic YW5hOmh1bnRlcjI=");
    let line = quoted(
        &secrets,
        "p@ss p%40ss token=t0ken%2Fvalue&a=1 t0ken/value b3arer YW5hOmh1bnRlcjI hunter2 a=1",
    );
    assert_eq!(line, "… … … … … … … a=1");
    let mut token = Secrets::default();
    token.add_url(&"http://s3cret@host".parse().unwrap());
    assert_eq!(quoted(&token, "hello s3cret"), "hello …");
}

#[test]
fn a_short_secret_is_cut_as_a_word_alone() {
    let mut secrets = Secrets::default();
    secrets.add_header("1");
    assert_eq!(quoted(&secrets, "tenant 1: 100 samples"), "tenant …: 100 samples");
}

#[test]
fn secrets_and_raw_texts_cannot_be_seen_by_debugging() {
    let shown = format!("{:?} {:?}", secrets(), Raw::new("s3cret"));
    assert!(!shown.contains("s3cret") && !shown.contains("ss/w"), "{shown}");
}
