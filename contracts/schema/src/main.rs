//! Writes every schema beside this crate's manifest.

use prag_contracts_schema::{files, place};

fn main() -> std::io::Result<()> {
    for file in files() {
        let path = place(&file);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, &file.text)?;
        println!("{}", file.path);
    }
    Ok(())
}
