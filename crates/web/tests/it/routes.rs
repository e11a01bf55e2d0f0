//! Which path and method gets which answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use web::{Ask, Config, Gather, Hooks, Probe, ProbeError, ProbeFuture, ProbeTarget, Server};

use crate::support::{Small, Source, config, get, hooks, plain, request, start};

#[tokio::test]
async fn metrics_health_and_landing_page_are_there() {
    let server = plain().await;
    for path in ["/metrics", "/-/healthy", "/-/ready", "/healthz", "/"] {
        assert_eq!(get(server.address, path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = plain().await;
    for path in ["/metrics", "/-/healthy", "/-/ready", "/healthz", "/"] {
        let get = get(server.address, path).await;
        let head = request(server.address, &format!("HEAD {path}"), &[]).await;
        assert_eq!(head.status, 200, "{path}");
        assert_eq!(head.body, b"", "{path}");
        for name in ["content-type", "content-length", "vary"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let server = plain().await;
    for path in ["/favicon.ico", "/metrics/", "/nope", "/probe", "//", "/-/", "/%2e%2e/etc/passwd"]
    {
        assert_eq!(get(server.address, path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn other_methods_are_not_allowed() {
    let server = plain().await;
    for path in ["/metrics", "/-/healthy", "/-/ready", "/healthz", "/"] {
        for method in ["POST", "PUT", "DELETE", "BREW", "OPTIONS"] {
            let answer = request(server.address, &format!("{method} {path}"), &[]).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some("GET,HEAD"), "{method} {path}");
        }
    }
    for path in ["/-/reload", "/quitquitquit"] {
        let answer = request(server.address, &format!("HEAD {path}"), &[]).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET,POST")), "{path}");
    }
}

#[tokio::test]
async fn the_landing_page_tells_what_runs_and_where() {
    let server = plain().await;
    let page = get(server.address, "/").await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for part in [
        "test_exporter",
        "Tests &lt;things&gt;.",
        "1.2.3",
        "href=\"/metrics\"",
        "href=\"https://example.org/?a&amp;b\"",
    ] {
        assert!(page.text().contains(part), "{part} in {}", page.text());
    }
}

#[tokio::test]
async fn the_telemetry_path_can_be_the_root() {
    let config = Config { telemetry_path: "/".to_owned(), ..config() };
    let server = start(config, hooks(&Arc::new(Source::new(Small)))).await;
    assert!(get(server.address, "/").await.text().contains("test_up 1"));
    assert_eq!(get(server.address, "/metrics").await.status, 404);
}

#[tokio::test]
async fn a_telemetry_path_that_collides_is_refused() {
    let config = Config { telemetry_path: "/healthz".to_owned(), ..config() };
    let error = Server::bind(config, hooks(&Arc::new(Source::new(Small)))).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "--web.telemetry-path \"/healthz\" is a route of the server itself: choose another, such \
         as /metrics"
    );
}

#[tokio::test]
async fn a_busy_port_is_named() {
    let server = plain().await;
    let config = Config { listen: vec![server.address.to_string().parse().unwrap()], ..config() };
    let error = Server::bind(config, hooks(&Arc::new(Source::new(Small)))).await.unwrap_err();
    assert!(error.to_string().contains(&server.address.to_string()), "{error}");
    assert!(error.to_string().contains("another program listens there"), "{error}");
}

#[tokio::test]
async fn every_address_is_served() {
    let listen = vec!["127.0.0.1:0".parse().unwrap(), "localhost:0".parse().unwrap()];
    let config = Config { listen, ..config() };
    let server = Server::bind(config, hooks(&Arc::new(Source::new(Small)))).await.unwrap();
    let addresses = server.addresses().to_vec();
    tokio::spawn(server.run(tokio_util::sync::CancellationToken::new()));
    assert_eq!(addresses.len(), 2);
    for address in addresses {
        assert_eq!(get(address, "/healthz").await.status, 200);
    }
}

#[tokio::test]
async fn without_a_host_both_ip_versions_are_served_and_loopback_is_known() {
    let config = Config { listen: vec![":0".parse().unwrap()], ..config() };
    let hooks = hooks(&Arc::new(Source::new(Small)));
    let quit = hooks.quit.clone();
    let server = start(config, hooks).await;
    // On such a socket this client is ::ffff:127.0.0.1.
    let address = (std::net::Ipv4Addr::LOCALHOST, server.address.port()).into();
    assert_eq!(get(address, "/quitquitquit").await.status, 200);
    assert!(quit.is_cancelled());
    if server.address.is_ipv6() {
        let address = (std::net::Ipv6Addr::LOCALHOST, server.address.port()).into();
        assert_eq!(get(address, "/healthz").await.status, 200);
    }
}

#[tokio::test]
async fn readiness_is_what_the_owner_says() {
    let mut hooks = hooks(&Arc::new(Source::new(Small)));
    let ready = Arc::new(AtomicBool::new(false));
    hooks.ready = Arc::clone(&ready);
    let server = start(config(), hooks).await;
    assert_eq!(get(server.address, "/-/ready").await.status, 503);
    assert_eq!(get(server.address, "/-/healthy").await.status, 200);
    ready.store(true, Ordering::Release);
    assert_eq!(get(server.address, "/-/ready").await.status, 200);
}

#[tokio::test]
async fn a_local_peer_may_quit() {
    for method in ["GET", "POST"] {
        let hooks = hooks(&Arc::new(Source::new(Small)));
        let quit = hooks.quit.clone();
        let server = start(config(), hooks).await;
        let first = format!("{method} /quitquitquit");
        // A forwarded header neither helps nor hurts.
        let answer = request(server.address, &first, &["X-Forwarded-For: 203.0.113.9"]).await;
        assert_eq!(answer.status, 200);
        assert!(quit.is_cancelled());
    }
}

#[tokio::test]
async fn where_nobody_may_quit_there_is_no_such_route() {
    let hooks = hooks(&Arc::new(Source::new(Small)));
    let quit = hooks.quit.clone();
    let server = start(Config { lifecycle: web::Lifecycle::Nobody, ..config() }, hooks).await;
    for path in ["/-/reload", "/quitquitquit"] {
        assert_eq!(get(server.address, path).await.status, 404, "{path}");
    }
    assert!(!quit.is_cancelled());
}

#[tokio::test]
async fn a_page_of_another_site_cannot_make_the_browser_quit_the_server() {
    let hooks = hooks(&Arc::new(Source::new(Small)));
    let quit = hooks.quit.clone();
    let server = start(config(), hooks).await;
    let answer =
        request(server.address, "GET /quitquitquit", &["Sec-Fetch-Site: cross-site"]).await;
    assert_eq!((answer.status, quit.is_cancelled()), (403, false));
    request(server.address, "GET /quitquitquit", &["Sec-Fetch-Site: none"]).await;
    assert!(quit.is_cancelled());
}

#[tokio::test]
async fn dns_rebinding_neither_quits_nor_reloads() {
    let hooks = hooks(&Arc::new(Source::new(Small)));
    let quit = hooks.quit.clone();
    let server = start(config(), hooks).await;
    for first in ["GET /quitquitquit", "POST /quitquitquit", "GET /-/reload", "POST /-/reload"] {
        for headers in [
            &["Host: evil.example:9646"][..],
            &["Host: evil.example", "Sec-Fetch-Site: same-origin", "Origin: http://evil.example"],
            &["Origin: http://evil.example"],
            &["Origin: null"],
            &["Referer: http://evil.example/"],
        ] {
            let answer = request(server.address, first, headers).await;
            assert_eq!(answer.status, 403, "{first} {headers:?}");
        }
    }
    assert!(!quit.is_cancelled());
    let page = [format!("Host: {}", server.address), format!("Origin: http://{}", server.address)];
    let page: Vec<&str> = page.iter().map(String::as_str).collect();
    assert_eq!(request(server.address, "POST /-/reload", &page).await.status, 200);
    assert_eq!(request(server.address, "POST /quitquitquit", &page).await.status, 200);
    assert!(quit.is_cancelled());
}

#[tokio::test]
async fn reload_calls_the_owner_and_shows_the_error() {
    let calls = Arc::new(Mutex::new(vec![Ok(()), Err("file x: no".to_owned())]));
    let mut hooks = hooks(&Arc::new(Source::new(Small)));
    hooks.reload = Some(Arc::new(move || calls.lock().unwrap().pop().unwrap()));
    let server = start(config(), hooks).await;
    let bad = request(server.address, "POST /-/reload", &[]).await;
    assert_eq!((bad.status, bad.text()), (500, "not reloaded: file x: no\n"));
    assert_eq!(get(server.address, "/-/reload").await.status, 200);
}

struct Prober(Arc<Source>);

impl Probe for Prober {
    fn probe(&self, target: ProbeTarget, ask: Ask) -> ProbeFuture<'_> {
        Box::pin(async move {
            match target.target.as_str() {
                "bad" => Err(ProbeError::BadRequest("no such module".to_owned())),
                "far" => Err(ProbeError::Forbidden("far is not allowed".to_owned())),
                _ => Ok(self.0.gather(ask).await.families),
            }
        })
    }
}

#[tokio::test]
async fn a_probe_asks_for_one_target() {
    let source = Arc::new(Source::new(Small));
    let probe: Arc<dyn Probe> = Arc::new(Prober(Arc::clone(&source)));
    let server = start(config(), Hooks { probe: Some(probe), ..hooks(&source) }).await;
    for (query, status, text) in [
        ("?target=http://x:8089", 200, "test_up 1\n"),
        ("", 400, "target is missing"),
        ("?target=", 400, "target is missing"),
        ("?target=a&target=b", 400, "target is given twice"),
        ("?target=bad&module=m", 400, "no such module"),
        ("?target=far", 403, "far is not allowed"),
    ] {
        let answer = get(server.address, &format!("/probe{query}")).await;
        assert_eq!(answer.status, status, "{query}");
        assert!(answer.text().contains(text), "{query}: {}", answer.text());
    }
    assert_eq!(source.served(), 0, "a probe is no scrape");
}

#[tokio::test]
async fn a_probe_may_take_longer_than_a_scrape() {
    let source = Arc::new(Source::new(Small));
    let probe: Arc<dyn Probe> = Arc::new(Prober(Arc::clone(&source)));
    let server = start(config(), Hooks { probe: Some(probe), ..hooks(&source) }).await;
    for (header, at_least, below) in [("20", 19.0, 20.0), ("nonsense", 3600.0, f64::INFINITY)] {
        let header = format!("X-Prometheus-Scrape-Timeout-Seconds: {header}");
        request(server.address, "GET /probe?target=x", &[&header]).await;
        let left = source.asked.lock().unwrap().pop().unwrap().as_secs_f64();
        assert!(left > at_least && left < below, "{header}: {left}");
    }
}
