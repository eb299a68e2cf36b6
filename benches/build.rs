//! Tells the program what it was built with: cargo's profile and the compiler.

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // `<target>/<profile>/build/<package>/out`: cargo tells the profile's name nowhere else.
    let out = env::var("OUT_DIR").unwrap_or_default();
    let profile = Path::new(&out).ancestors().nth(3).and_then(Path::file_name);
    let profile = profile.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    println!("cargo:rustc-env=PRAG_BENCH_PROFILE={profile}");
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(compiler).arg("--version").output();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo:rustc-env=PRAG_BENCH_RUSTC={}", version.unwrap_or_default());
}
