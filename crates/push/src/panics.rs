//! A panic is a bug in the exporter. It costs what it struck, and nothing beside that.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

/// What `doing` gives, or what its panic says.
pub(crate) fn caught<T>(doing: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(doing)).map_err(|panic| message(&*panic).to_owned())
}

/// What the future gives, or what its panic says.
pub(crate) async fn caught_in<T>(doing: impl Future<Output = T>) -> Result<T, String> {
    let done = AssertUnwindSafe(doing).catch_unwind().await;
    done.map_err(|panic| message(&*panic).to_owned())
}

/// What a panic says.
pub(crate) fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_gives_what_is_done_or_what_was_said() {
        assert_eq!(caught(|| 1), Ok(1));
        assert_eq!(caught(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
        assert_eq!(
            caught_in(async { panic!("{} words", 2) }).await,
            Err::<(), _>("2 words".into())
        );
        let odd = || std::panic::panic_any(7);
        assert_eq!(caught(odd), Err::<(), _>("a panic".to_owned()));
    }
}
