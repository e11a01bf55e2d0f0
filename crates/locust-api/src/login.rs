//! Filling in Locust's login form.

use reqwest::Response;
use reqwest::header::{HeaderValue, SET_COOKIE};
use secrecy::ExposeSecret;
use url::Url;

use crate::config::Auth;
use crate::route::LOGIN;
use crate::transport::{Transport, is_to_login};
use crate::{Error, wire};

impl Transport {
    /// Fills in the login form; answers the `Cookie` header of the session that it opens.
    pub(crate) async fn log_in(&self) -> Result<HeaderValue, Error> {
        let Auth::Login { username, password } = &self.auth else {
            return Err(Error::LoginNeeded {
                url: self.shown(LOGIN),
                cause: "no user and password are given".to_owned(),
            });
        };
        let page = self.send_get(LOGIN, None).await?;
        let page = self.body(LOGIN, page).await?;
        let callback = self.callback(page.bytes)?;
        let form = [("username", username.as_str()), ("password", password.expose_secret())];
        let answer = self.send_form(callback, &form).await?;
        self.opened(&answer)
    }

    /// Where the form is to be sent: the password goes nowhere but to the Locust that is asked.
    fn callback(&self, page: Vec<u8>) -> Result<Url, Error> {
        let not_understood = |cause: String| Error::NotUnderstood { url: self.shown(LOGIN), cause };
        let callback = wire::login_callback(page)
            .map_err(|malformed| not_understood(malformed.to_string()))?
            .ok_or_else(|| Error::LoginRefused {
                url: self.shown(LOGIN),
                cause: "its login page has no form for user and password".to_owned(),
            })?;
        let page = self.address(LOGIN);
        let mut callback = page
            .join(&callback)
            .map_err(|_| not_understood("its form goes to no valid address".to_owned()))?;
        if callback.origin() != page.origin() {
            return Err(Error::LoginRefused {
                url: self.shown(LOGIN),
                cause: format!(
                    "its form goes to {}, and a password is only sent to the Locust that is asked",
                    self.quote(callback.origin().ascii_serialization())
                ),
            });
        }
        // A proxy may want the user of the address for this path too.
        let _ = callback.set_username(page.username());
        let _ = callback.set_password(page.password());
        Ok(callback)
    }

    fn opened(&self, answer: &Response) -> Result<HeaderValue, Error> {
        let refused = |cause: String| Error::LoginRefused { url: self.shown(LOGIN), cause };
        if is_to_login(answer) {
            return Err(refused("it does not accept user and password".to_owned()));
        }
        let status = answer.status();
        if !status.is_redirection() && !status.is_success() {
            return Err(refused(format!("it answers {status} to user and password")));
        }
        cookies(answer).ok_or_else(|| refused("it opens no session".to_owned()))
    }
}

/// All cookies that an answer sets, as a request gives them back.
fn cookies(answer: &Response) -> Option<HeaderValue> {
    let mut pairs = Vec::new();
    for cookie in answer.headers().get_all(SET_COOKIE) {
        let pair = cookie.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default();
        let pair = pair.trim_ascii();
        if !pair.ends_with(b"=") && pair.contains(&b'=') {
            pairs.push(pair);
        }
    }
    let mut value = HeaderValue::from_bytes(&pairs.join(&b"; "[..])).ok()?;
    value.set_sensitive(true);
    (!value.is_empty()).then_some(value)
}
