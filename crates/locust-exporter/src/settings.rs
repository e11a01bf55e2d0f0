//! From what was written on the command line to what the program works with, in one step.

use std::path::PathBuf;
use std::time::Duration;

use locust_api::{Auth, Quantiles, Tls};
use locust_model::Bounds;
use url::Url;

use crate::cli::{
    BEARER_TOKEN_VARIABLE, Cli, LocustArgs, PASSWORD_VARIABLE, QuantilesArg, WebArgs,
};
use crate::probe_config::Module;
use crate::pushing::Plan;
use crate::secret;
use crate::usage::Origin;
use crate::{build, push_args, shared};

/// Everything that the options say, checked.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The Locusts to watch.
    pub(crate) locusts: Vec<Locust>,
    /// How long each may take.
    pub(crate) timeout: Duration,
    /// How much is kept apart.
    pub(crate) bounds: Bounds,
    /// How metrics are named.
    pub(crate) schema: schema::Config,
    /// How they are served.
    pub(crate) web: web::Config,
    /// The file of `/probe`.
    pub(crate) probe_file: Option<PathBuf>,
    /// Whether to end after the test, and how long to wait for its last scrape.
    pub(crate) exit_after_test: Option<Duration>,
    /// What is pushed where.
    pub(crate) push: Plan,
}

/// A Locust to watch.
#[derive(Debug)]
pub(crate) struct Locust {
    /// How to ask it.
    pub(crate) client: locust_api::Config,
    /// Its address without credentials: for logs, and the value of the label `target`.
    pub(crate) address: String,
}

/// Checks the options.
///
/// # Errors
///
/// One line that names the flag or variable, the value, and what is accepted.
pub(crate) fn settings(cli: &Cli) -> Result<Settings, String> {
    let locusts = locusts(&cli.locust, &cli.origin)?;
    let web = web_config(&cli.web, cli.locust.timeout, &cli.origin)?;
    let first = web.listen.first().filter(|_| !web.systemd_socket);
    let push = push_args::settings(&push_args::Given {
        args: &cli.push,
        origin: &cli.origin,
        port: first.map(web::Listen::port).filter(|port| *port != 0),
        one_of_many: None,
        with_otel: false,
        variables: &push_args::variable,
    })?;
    if web.listen.is_empty() && !web.systemd_socket && push.config.is_none() {
        return Err(format!(
            "{}: none, and nothing is pushed: give an address, or push (--push.*, --pushgateway.*)",
            cli.origin.name("--web.listen-address")
        ));
    }
    Ok(Settings {
        timeout: cli.locust.timeout,
        bounds: cli.metrics.bounds(),
        schema: schema::Config {
            targets: locusts.len() > 1,
            ..shared::schema(&cli.locust.names, &cli.metrics, &cli.origin)?
        },
        web,
        probe_file: cli.process.probe_file.clone(),
        exit_after_test: cli.process.exit_after_test.then_some(cli.process.exit_after_test_timeout),
        push,
        locusts,
    })
}

fn locusts(args: &LocustArgs, origin: &Origin) -> Result<Vec<Locust>, String> {
    let read = |flag: &str, file: &Option<PathBuf>, variable| match file {
        Some(file) => secret::read_file(file)
            .map(Some)
            .map_err(|cause| format!("{}: {cause}", origin.name(flag))),
        None => secret::read_variable(variable),
    };
    let password = read("--locust.password-file", &args.password_file, PASSWORD_VARIABLE)?;
    let bearer_token =
        read("--locust.bearer-token-file", &args.bearer_token_file, BEARER_TOKEN_VARIABLE)?;
    let auth = secret::auth(secret::Given {
        method: args.auth,
        username: args.username.as_deref(),
        password,
        bearer_token,
    })
    .map_err(|cause| {
        format!("{cause} (--locust.username, --locust.password-file, --locust.bearer-token-file and their variables)")
    })?;
    let tls = Tls {
        ca_file: args.tls_ca_file.clone(),
        cert_file: args.tls_cert_file.clone(),
        key_file: args.tls_key_file.clone(),
        server_name: args.tls_server_name.clone(),
        insecure_skip_verify: args.tls_insecure_skip_verify,
    };
    if args.tls_cert_file.is_some() != args.tls_key_file.is_some() {
        let (one, other) = ("--locust.tls.cert-file", "--locust.tls.key-file");
        let (given, missing) =
            if args.tls_key_file.is_none() { (one, other) } else { (other, one) };
        return Err(format!("{}: {missing} is missing: give both", origin.name(given)));
    }
    let flag = origin.name("--locust.uri");
    let mut locusts: Vec<Locust> = Vec::with_capacity(args.uri.len());
    for uri in &args.uri {
        let url = locust_url(uri).map_err(|wrong| format!("{flag}: {}", wrong.shown(&args.uri)))?;
        let address = address(&url);
        if locusts.iter().any(|known| known.address == address) {
            return Err(format!("{flag}: {address} is given twice"));
        }
        let client = client_config(url, auth.clone(), tls.clone(), args.quantiles);
        locusts.push(Locust { client, address });
    }
    Ok(locusts)
}

/// How a module asks a probed target.
///
/// # Errors
///
/// A sentence about a secret that cannot be read.
pub(crate) fn module_client(url: Url, module: &Module) -> Result<locust_api::Config, String> {
    let section = module.tls.clone();
    let tls = Tls {
        ca_file: section.ca_file,
        cert_file: section.cert_file,
        key_file: section.key_file,
        server_name: section.server_name,
        insecure_skip_verify: section.insecure_skip_verify,
    };
    Ok(client_config(url, module.auth()?, tls, module.quantiles))
}

fn client_config(url: Url, auth: Auth, tls: Tls, quantiles: QuantilesArg) -> locust_api::Config {
    let mut config = locust_api::Config::new(url);
    config.auth = auth;
    config.tls = tls;
    config.quantiles = match quantiles {
        QuantilesArg::Default => Quantiles::Default,
        QuantilesArg::All => Quantiles::All,
    };
    config.user_agent = format!("locust_exporter/{}", build::VERSION);
    config
}

/// An address that is none of a Locust.
struct WrongUri<'a> {
    uri: &'a str,
    why: String,
}

impl WrongUri<'_> {
    /// What is wrong, beside the other addresses of the list.
    fn shown(&self, list: &[String]) -> String {
        let expected = "expected http(s)://host[:port][/base-path]";
        let why = &self.why;
        // What stands before an @ may be a password, whatever the rest is; and a comma in a
        // password makes two addresses of one.
        match self.uri.rsplit_once('@') {
            Some((_, shown)) => format!("{shown:?} {why}: {expected}"),
            None if list.iter().any(|uri| uri.contains('@')) => {
                format!("an address {why}: {expected}; write a comma in a password as %2C")
            }
            None => format!("{:?} {why}: {expected}", self.uri),
        }
    }
}

fn locust_url(uri: &str) -> Result<Url, WrongUri<'_>> {
    let wrong = |why| WrongUri { uri, why };
    let url = Url::parse(uri.trim()).map_err(|cause| wrong(format!("is not a URL ({cause})")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(wrong("is not the address of a web UI".to_owned()));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("has a query or a fragment, which no web UI's address has".to_owned()));
    }
    Ok(url)
}

/// A URL without user, password, query, fragment and trailing slash.
pub(crate) fn address(url: &Url) -> String {
    locust_api::shown(url).trim_end_matches('/').to_owned()
}

fn web_config(
    args: &WebArgs,
    scrape_timeout: Duration,
    origin: &Origin,
) -> Result<web::Config, String> {
    Ok(web::Config {
        listen: args.listen.addresses(origin)?,
        systemd_socket: args.systemd_socket,
        lifecycle: if args.enable_lifecycle {
            web::Lifecycle::AnyPeer
        } else {
            web::Lifecycle::LoopbackPeer
        },
        // Locust's time, and some for what comes after it.
        scrape_timeout: scrape_timeout + Duration::from_millis(500),
        ..shared::web(&args.server, &args.client)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn of(args: &[&str]) -> Result<Settings, String> {
        let args = std::iter::once("locust_exporter").chain(args.iter().copied());
        settings(&Cli::try_parse_from(args).expect("flags that exist"))
    }

    #[test]
    fn one_locust_has_no_target_and_several_have() {
        assert!(!of(&[]).expect("the defaults are sound").schema.targets);
        let two = of(&["--locust.uri=http://a:8089/", "--locust.uri=http://b:8089/base/"]);
        let two = two.expect("two addresses");
        assert!(two.schema.targets);
        let addresses: Vec<_> = two.locusts.iter().map(|locust| &*locust.address).collect();
        assert_eq!(addresses, ["http://a:8089", "http://b:8089/base"]);
    }

    #[test]
    fn the_servers_defaults_are_those_of_the_command_line() {
        let (ours, library) = (of(&[]).expect("sound").web, web::Config::default());
        assert_eq!(ours.telemetry_path, library.telemetry_path);
        assert_eq!(ours.max_requests, library.max_requests);
        assert_eq!(ours.max_connections, library.max_connections);
        assert_eq!(ours.lifecycle, library.lifecycle);
        assert_eq!(ours.created, library.created);
        assert_eq!(ours.timeouts, library.timeouts);
    }

    #[test]
    fn a_list_with_commas_is_several_locusts() {
        assert_eq!(of(&["--locust.uri=http://a,http://b"]).expect("sound").locusts.len(), 2);
    }

    #[test]
    fn the_same_locust_twice_is_refused() {
        let error = of(&["--locust.uri=http://a:8089,http://a:8089/"]).expect_err("twice");
        assert!(error.contains("http://a:8089 is given twice"), "{error}");
    }

    #[test]
    fn a_password_in_an_address_is_never_shown() {
        for uri in ["http://ana:s3cret@", "ana:s3cret@host", "ftp://ana:s3cret@host/"] {
            let error = of(&["--locust.uri", uri]).expect_err(uri);
            assert!(!error.contains("s3cret"), "{error}");
        }
        let settings = of(&["--locust.uri=http://ana:s3cret@host:8089"]).expect("sound");
        assert!(!format!("{settings:?}").contains("s3cret"));
        assert_eq!(settings.locusts[0].address, "http://host:8089");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_flag() {
        let wrong: [(&[&str], &str); 5] = [
            (&["--locust.uri=localhost:8089"], "--locust.uri"),
            (&["--metrics.schema=modern"], "--metrics.schema"),
            (&["--web.listen-address=nowhere"], "--web.listen-address"),
            (&["--locust.username=ana"], "--locust.username"),
            (&["--locust.password-file=/nonexistent/file"], "/nonexistent/file"),
        ];
        for (args, word) in wrong {
            let error = of(args).expect_err(word);
            assert!(error.contains(word), "{error}");
            assert_eq!(error.lines().count(), 1, "{error}");
        }
    }
}
