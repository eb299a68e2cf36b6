use std::sync::LazyLock;
static KNOBS: LazyLock<Vec<Option<usize>>> = LazyLock::new(|| {
    std::env::var("TUNE").unwrap_or_default().split(',').map(|v| v.parse().ok()).collect()
});
#[inline(always)]
pub(crate) fn knob(at: usize, default: usize) -> usize {
    KNOBS.get(at).copied().flatten().unwrap_or(default)
}
pub static SCORED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
