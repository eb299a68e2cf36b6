#![allow(missing_docs)]
#[derive(serde::Serialize)]
pub struct ReleasedShare;
