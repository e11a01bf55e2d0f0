//! Which proxy of the environment a target is asked through.

use std::fmt;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::secrets::Secrets;
use crate::shown::shown;

/// The proxy of the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`) through which a target
/// is asked, if any. It is written behind what is said of the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Via(Option<String>);

impl Via {
    /// The proxy of this target, as the client itself will find it. Its credentials become known to
    /// `secrets`.
    pub(crate) fn of(target: &Url, secrets: &mut Secrets) -> Self {
        let intercept = target.as_str().parse::<Uri>().ok();
        let Some(intercept) = intercept.and_then(|uri| Matcher::from_system().intercept(&uri))
        else {
            return Self(None);
        };
        if let Some((user, password)) = intercept.raw_auth() {
            secrets.add_basic(user, password);
        }
        if let Some(value) = intercept.basic_auth().and_then(|value| value.to_str().ok()) {
            secrets.add_header(value);
        }
        let proxy = intercept.uri().to_string();
        // An address that cannot be read is not shown: it may hold credentials.
        let proxy =
            Url::parse(&proxy).map_or_else(|_| "of the environment".to_owned(), |url| shown(&url));
        Self(Some(proxy))
    }

    /// Its address without credentials.
    pub fn address(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(proxy) => write!(
                f,
                " through the proxy {proxy} (HTTP_PROXY, HTTPS_PROXY or ALL_PROXY; NO_PROXY lists \
                 hosts that are asked directly)"
            ),
            None => Ok(()),
        }
    }
}
