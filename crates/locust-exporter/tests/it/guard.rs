//! How a canned Locust demands credentials.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::answers::Answer;
use crate::locust::Request;

/// The session that the login form opens.
const SESSION: &str = "session=0pen-5esame";

/// Who is let in.
#[derive(Clone, Debug, Default)]
pub(crate) enum Guard {
    /// Everybody.
    #[default]
    None,
    /// Who authenticates so (RFC 7617).
    Basic(&'static str, &'static str),
    /// Who has this token.
    Bearer(&'static str),
    /// Who has filled in the form of `--web-login`.
    Login(&'static str, &'static str),
}

impl Guard {
    /// The answer to who is not let in.
    pub(crate) fn stop(&self, request: &Request) -> Option<Answer> {
        let wanted = match self {
            Self::None => return None,
            Self::Basic(user, password) => {
                format!("Basic {}", BASE64.encode(format!("{user}:{password}")))
            }
            Self::Bearer(token) => format!("Bearer {token}"),
            Self::Login(user, password) => return login(request, user, password),
        };
        let refusal = || Answer::new("401 UNAUTHORIZED", "text/html", "Unauthorized");
        (request.header("authorization") != Some(&*wanted)).then(refusal)
    }
}

fn login(request: &Request, user: &str, password: &str) -> Option<Answer> {
    let form = format!("username={user}&password={password}");
    match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/login") => {
            let args = r#"{"username_password_callback":"/login_submit"}"#;
            Some(Answer::html(format!("<script>\n window.authArgs = {args}\n</script>")))
        }
        ("POST", "/login_submit") if request.body == form => {
            let cookie = format!("{SESSION}; HttpOnly; Path=/");
            Some(Answer::redirect("/").header("Set-Cookie", &cookie))
        }
        _ if request.header("cookie") == Some(SESSION) => None,
        _ => Some(Answer::redirect("/login?next=/")),
    }
}
