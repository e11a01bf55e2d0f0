//! Tells the crate which Python it is built for: `Py_LIMITED_API`, `Py_GIL_DISABLED`.

use std::env;

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
    pyo3_build_config::add_extension_module_link_args();
    // The crate's own tests are a program: unlike a module, it has to bring its Python along.
    if env::var_os("CARGO_FEATURE_EMBED").is_some() {
        let python = pyo3_build_config::get();
        if let (Some(name), Some(place)) = (python.lib_name(), python.lib_dir()) {
            println!("cargo::rustc-link-lib=dylib={name}");
            println!("cargo::rustc-link-search=native={place}");
            println!("cargo::rustc-link-arg=-Wl,-rpath,{place}");
        }
    }
}
