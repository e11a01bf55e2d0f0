//! The configuration file of `/probe`: which targets may be asked, and how.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use locust_api::Client;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::allow::Allowed;
use crate::cli::{AuthMethod, QuantilesArg};
use crate::duration;
use crate::secret;
use crate::settings;

/// The module of a probe that names none.
const DEFAULT_MODULE: &str = "default";

/// The file, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProbeConfig {
    /// Targets that may be probed; empty admits none.
    #[serde(default, deserialize_with = "patterns")]
    allowed_targets: Vec<Allowed>,
    /// How to ask, by name.
    #[serde(default)]
    modules: BTreeMap<String, Module>,
}

/// How to ask a target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Module {
    /// How long the target may take.
    #[serde(deserialize_with = "go_duration")]
    pub(crate) timeout: Duration,
    /// Response time quantiles.
    pub(crate) quantiles: QuantilesArg,
    /// Credentials.
    pub(crate) auth: Option<AuthSection>,
    /// TLS.
    pub(crate) tls: TlsSection,
    /// Where this module may be used, within what the file allows; absent: anywhere.
    #[serde(deserialize_with = "some_patterns")]
    allowed_targets: Option<Vec<Allowed>>,
}

impl Default for Module {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            quantiles: QuantilesArg::default(),
            auth: None,
            tls: TlsSection::default(),
            allowed_targets: None,
        }
    }
}

/// Credentials of a module: user name and password, or a bearer token.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthSection {
    method: Option<AuthMethod>,
    username: Option<String>,
    password_file: Option<PathBuf>,
    bearer_token_file: Option<PathBuf>,
}

/// TLS of a module.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TlsSection {
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) cert_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) server_name: Option<String>,
    pub(crate) insecure_skip_verify: bool,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigFileError {
    #[error("configuration file {path}: {cause}")]
    Read { path: PathBuf, cause: files::FileError },
    #[error("configuration file {path}: {cause}")]
    Parse { path: PathBuf, cause: String },
    #[error("configuration file {path}: module {module:?}: {cause}")]
    Module { path: PathBuf, module: String, cause: String },
}

/// Why a probe is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("target {0:?} is not a URL of a Locust: expected host:port or http(s)://host:port")]
    BadTarget(String),
    #[error("the target holds a user name or password; put credentials into a module")]
    Credentials,
    #[error("module {0:?} is not in the configuration file")]
    UnknownModule(String),
    #[error("target {0:?} is not allowed by the configuration file (allowed_targets)")]
    NotAllowed(String),
}

impl ProbeConfig {
    /// Reads and checks the file, and the secrets that it names. Relative paths in it start where
    /// the file is.
    ///
    /// # Errors
    ///
    /// [`ConfigFileError`], which names the file and what is wrong in it.
    pub(crate) fn load(path: &Path) -> Result<Self, ConfigFileError> {
        let text = files::read_text(path)
            .map_err(|cause| ConfigFileError::Read { path: path.to_owned(), cause })?;
        let mut config: Self = serde_saphyr::from_str(&text).map_err(|error| {
            let cause = first_line(&error.to_string());
            ConfigFileError::Parse { path: path.to_owned(), cause }
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for (name, module) in &mut config.modules {
            module.resolve(folder);
            module.check().map_err(|cause| ConfigFileError::Module {
                path: path.to_owned(),
                module: name.clone(),
                cause,
            })?;
        }
        Ok(config)
    }

    /// Returns warnings about what is allowed more widely than it should be: modules whose
    /// credentials a prober may send to any port.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let modules = self.modules.iter().filter(|(_, module)| module.has_credentials());
        let open = modules.filter(|(_, module)| {
            let allowed = module.allowed_targets.as_ref().unwrap_or(&self.allowed_targets);
            allowed.iter().any(Allowed::is_any_port)
        });
        let warning = |(name, _): (&String, &Module)| {
            format!(
                "module {name:?} sends its credentials to any port of an allowed host: add the \
                 port of Locust to allowed_targets"
            )
        };
        open.map(warning).collect()
    }

    /// The URL and the module for a probe.
    ///
    /// # Errors
    ///
    /// [`Refused`], in words that may be shown to the client.
    pub(crate) fn admit(
        &self,
        target: &str,
        module: Option<&str>,
    ) -> Result<(Url, String, Module), Refused> {
        let url = target_url(target)?;
        let name = module.unwrap_or(DEFAULT_MODULE);
        let module = match self.modules.get(name) {
            Some(module) => module.clone(),
            None if name == DEFAULT_MODULE => Module::default(),
            None => return Err(Refused::UnknownModule(name.to_owned())),
        };
        let admitted = |list: &[Allowed]| list.iter().any(|allowed| allowed.admits(&url));
        let by_module = module.allowed_targets.as_deref().is_none_or(admitted);
        if !admitted(&self.allowed_targets) || !by_module {
            return Err(Refused::NotAllowed(target.to_owned()));
        }
        Ok((url, name.to_owned(), module))
    }
}

impl Module {
    fn has_credentials(&self) -> bool {
        self.auth.is_some()
    }

    fn resolve(&mut self, folder: &Path) {
        let auth = self.auth.as_mut();
        let auth = auth.map(|auth| [&mut auth.password_file, &mut auth.bearer_token_file]);
        let tls = [&mut self.tls.ca_file, &mut self.tls.cert_file, &mut self.tls.key_file];
        for path in auth.into_iter().flatten().chain(tls).flatten() {
            *path = folder.join(&*path);
        }
    }

    /// Everything that can be found wrong before the first probe.
    fn check(&self) -> Result<(), String> {
        if self.tls.cert_file.is_some() != self.tls.key_file.is_some() {
            return Err("tls: cert_file and key_file go together".to_owned());
        }
        // What is found wrong with a client is so whatever the target.
        let target = target_url("https://localhost").map_err(|refused| refused.to_string())?;
        let client = settings::module_client(target, self)?;
        Client::new(client).map(drop).map_err(|error| error.to_string())
    }

    /// The credentials, read from their files.
    ///
    /// # Errors
    ///
    /// A sentence that names the key or the file.
    pub(crate) fn auth(&self) -> Result<locust_api::Auth, String> {
        let Some(section) = &self.auth else {
            return Ok(locust_api::Auth::None);
        };
        secret::auth(secret::Given {
            method: section.method.unwrap_or(AuthMethod::Login),
            username: section.username.as_deref(),
            password: section.password_file.as_deref().map(secret::read_file).transpose()?,
            bearer_token: section
                .bearer_token_file
                .as_deref()
                .map(secret::read_file)
                .transpose()?,
        })
        .map_err(|cause| format!("auth: {cause}"))
    }
}

/// Reads a target as Prometheus hands it over: a URL, or an address alone.
fn target_url(target: &str) -> Result<Url, Refused> {
    let bad = || Refused::BadTarget(target.to_owned());
    let text = if target.contains("://") { target.to_owned() } else { format!("http://{target}") };
    let url: Url = text.parse().map_err(|_| bad())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Refused::Credentials);
    }
    if !matches!(url.scheme(), "http" | "https")
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(bad());
    }
    Ok(url)
}

fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

fn go_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration::parse(&text)
        .map_err(|cause| serde::de::Error::custom(format!("duration {text:?}: {cause}")))
}

fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Allowed>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}

fn some_patterns<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Allowed>>, D::Error> {
    patterns(deserializer).map(Some)
}

#[cfg(test)]
mod tests;
