//! A project whose values are in a dotenv file, for the benchmarks.

use std::{
    fmt::Write as _,
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
};

/// Writes the manifest, and the values, which have no quote.
pub(crate) fn write(directory: &Path, values: &[(String, String)]) {
    let mut manifest = "version: 1\nfrom: dotenv://.env\nenv:\n".to_owned();
    let mut dotenv = String::new();
    for (name, value) in values {
        let _ = writeln!(manifest, "  {name}:");
        let _ = writeln!(dotenv, "{name}='{value}'");
    }
    fs::write(directory.join("secretfile.yaml"), manifest).expect("the manifest");
    let path = directory.join(".env");
    fs::write(&path, dotenv).expect("the values");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("its mode");
}
