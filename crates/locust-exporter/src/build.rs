//! How this program was built.

use schema::BuildInfo;

/// The version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// All that is known of the build.
pub const INFO: BuildInfo = BuildInfo {
    version: VERSION,
    revision: env!("BUILD_REVISION"),
    rustc: env!("BUILD_RUSTC"),
    os: std::env::consts::OS,
    arch: std::env::consts::ARCH,
};
