//! `/`, the page of the web UI, and `/login`.

use locust_model::Text;
use serde::de::MapAccess;

use super::Malformed;
use super::json::{As, Shape, key, read_first};
use super::text::unescaped;
use super::value::{Count, Due, Number, Read, skip, text};
use crate::{Rejected, redact};

/// What the page of the web UI says. Of its many other contents (some may be secrets) nothing is
/// kept.
///
/// The pages before 2.21 (and 2.20 without its modern UI) show version and host alone: their forms
/// do not tell a wish for one user from the default.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Index {
    /// Locust's version.
    pub version: Option<Text>,
    /// The host under test, without user and password.
    pub host: Option<Text>,
    /// How many users were wished for.
    pub num_users: Option<u64>,
    /// Users to start in a second.
    pub spawn_rate: Option<f64>,
    /// What was left out.
    pub rejected: Rejected,
}

impl Index {
    pub(crate) fn parse(body: Vec<u8>) -> Result<Self, Malformed> {
        let page = page_text(body);
        match find_object(&page, "window.templateArgs") {
            Some(at) => read_first(tail(page, at), || Args),
            None => Self::of_old_page(&page)
                .ok_or(Malformed::Shape("it is a page without Locust's arguments or version")),
        }
    }

    fn of_old_page(page: &str) -> Option<Self> {
        let (_, after) = page.split_once("github.com/locustio/locust/releases/tag/")?;
        let version = after.split(['"', '\'', '<']).next()?;
        let is_version = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_');
        if version.is_empty() || version.len() > 64 || !version.chars().all(is_version) {
            return None;
        }
        let host = old_host(page).and_then(|host| redact::host(&unescaped(host)));
        Some(Self { version: Some(version.into()), host: host.map(Text::from), ..Self::default() })
    }
}

/// The value of the field `host` of the form.
fn old_host(page: &str) -> Option<&str> {
    let (_, tag) = page.split_once("id=\"host\"")?;
    let (tag, _) = tag.split_once('>')?;
    let (_, value) = tag.split_once("value=\"")?;
    value.split_once('"').map(|(value, _)| value)
}

/// Whether `num_users` and `spawn_rate` follow what is typed into the web UI. Before 2.47 they may
/// still be those of the command line.
pub(crate) fn target_is_kept_up_to_date(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..digits].parse::<u32>().unwrap_or(0)
    });
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= (2, 47)
}

/// The path or address that the form of the login page is to be sent to, if there is one.
pub(crate) fn login_callback(body: Vec<u8>) -> Result<Option<String>, Malformed> {
    let page = page_text(body);
    let at = find_object(&page, "authArgs")
        .ok_or(Malformed::Shape("it is a page without the arguments of Locust's login"))?;
    read_first(tail(page, at), || AuthArgs)
}

fn page_text(body: Vec<u8>) -> String {
    String::from_utf8(body)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Where the object begins that is assigned to a name in a script.
fn find_object(page: &str, name: &str) -> Option<usize> {
    page.match_indices(name).find_map(|(at, _)| {
        let value = page[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        value.starts_with('{').then(|| page.len() - value.len())
    })
}

/// The text from a place on, without a second copy of what may be large.
fn tail(mut page: String, at: usize) -> Vec<u8> {
    page.drain(..at);
    page.into_bytes()
}

/// Reads the arguments of the page.
struct Args;

impl<'de> Shape<'de> for Args {
    type Value = Index;

    fn otherwise(self) -> Index {
        Index::default()
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Index, A::Error> {
        let mut index = Index::default();
        let rejected = &mut index.rejected;
        while let Some(key) = key(&mut map)? {
            let map = &mut map;
            match &*key {
                "version" => index.version = text(map, rejected, filled)?.flatten().map(Text::from),
                "host" => {
                    let host = text(map, rejected, filled)?.flatten();
                    index.host = host.and_then(|host| redact::host(&host)).map(Text::from);
                }
                "num_users" => {
                    index.num_users = map.next_value_seed(Read(TypedIn(Count(rejected))))?;
                }
                "spawn_rate" => {
                    index.spawn_rate = map.next_value_seed(Read(TypedIn(Number(rejected))))?;
                }
                _ => skip(map)?,
            }
        }
        Ok(index)
    }
}

fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number that Locust kept as the text that was typed in.
struct TypedIn<D>(D);

impl<D: Due> Due for TypedIn<D> {
    type Value = D::Value;

    fn null(self) -> D::Value {
        self.0.null()
    }

    fn count(self, value: u64) -> D::Value {
        self.0.count(value)
    }

    fn number(self, value: f64) -> D::Value {
        self.0.number(value)
    }

    fn text(self, value: &str) -> D::Value {
        match value.trim().parse() {
            Ok(number) => self.0.number(number),
            Err(_) => self.0.text(value),
        }
    }

    fn other(self) -> D::Value {
        self.0.other()
    }
}

/// Reads where the form of the login page goes.
struct AuthArgs;

impl<'de> Shape<'de> for AuthArgs {
    type Value = Option<String>;

    fn otherwise(self) -> Self::Value {
        None
    }

    fn object<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut plain, mut custom) = (None, None);
        let mut rejected = Rejected::default();
        while let Some(key) = key(&mut map)? {
            match &*key {
                "username_password_callback" | "callback_url" => {
                    plain = text(&mut map, &mut rejected, filled)?.flatten();
                }
                "custom_form" => custom = map.next_value_seed(As(Self))?,
                _ => skip(&mut map)?,
            }
        }
        Ok(plain.or(custom))
    }
}
