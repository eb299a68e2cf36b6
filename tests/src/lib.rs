//! Checks across crates; see `tests/`. The black-box tests of the programs are in `demo/tests`.
