//! Prints `docs/threats.md`.

fn main() {
    print!("{}", prag_tests::threats::Threats::read().to_markdown());
}
