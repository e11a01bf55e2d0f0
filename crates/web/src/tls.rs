//! The TLS handshake.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::io::Watched;

/// The answer to who speaks HTTP in the clear.
const NOT_TLS: &[u8] = b"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Connection: close\r\n\r\nthis server speaks HTTPS; use https://\n";

/// Shakes hands. `None` if that fails.
pub(crate) async fn accept(
    config: Arc<ServerConfig>,
    io: Watched,
    peer: SocketAddr,
) -> Option<TlsStream<Watched>> {
    match shake(config, io).await {
        Ok(stream) => stream,
        Err(error) => {
            tracing::debug!(%peer, %error, "the TLS handshake failed");
            None
        }
    }
}

async fn shake(
    config: Arc<ServerConfig>,
    mut io: Watched,
) -> io::Result<Option<TlsStream<Watched>>> {
    // A TLS client begins with the number 22, an HTTP/1 client with a method.
    if io.peek().await?.is_some_and(|first| first.is_ascii_uppercase()) {
        let _ = io.read(&mut [0; 4096]).await?;
        io.write_all(NOT_TLS).await?;
        io.shutdown().await?;
        return Ok(None);
    }
    TlsAcceptor::from(config).accept(io).await.map(Some)
}
