//! Leading the light client from header to header.
//!
//! Layer: `cosmos::rows`.
//! Holds: the way forward to the newest block that can be reached, and back to one that somebody remembers.
//! Never: belief in a node: the light client judges each block.
//! Invariant: a header that comes out of here is verified.

use super::Rows;
use crate::light::Judged;
use crate::{CosmosError, LightClient, VerifiedHeader};
use std::sync::atomic::{AtomicBool, Ordering};

impl Rows {
    /// Leads the light client to the newest block that can be reached: a node may boast.
    pub(super) async fn advance(&self) -> Result<VerifiedHeader, CosmosError> {
        let mut light = self.light.lock().await;
        let mut last = CosmosError::Silent;
        for height in self.nodes.heights().await? {
            let target = height.max(light.height());
            match self.lead(&mut light, target).await {
                Ok(header) => return Ok(header),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Leads `light` to `target`, by way of blocks between where too few validators are the same.
    async fn lead(
        &self,
        light: &mut LightClient,
        target: u64,
    ) -> Result<VerifiedHeader, CosmosError> {
        let now = self.clock.now();
        let mut header = match light.header() {
            Some(header) => header?,
            None => {
                let begin = |block| light.first(block, now);
                let first = self.nodes.block(light.height(), begin).await?;
                light.trust(first)
            }
        };
        let mut next = target;
        for _ in 0..STEPS_MAX {
            if header.height() >= target {
                return Ok(header);
            }
            // Anybody can make up a block that is too far: only where no node has one that follows is it believed.
            let far = AtomicBool::new(false);
            let judged = {
                let judge = |block| match light.judge(block, now)? {
                    Judged::Follows(follower) => Ok(follower),
                    Judged::TooFar => {
                        far.store(true, Ordering::Relaxed);
                        Err(CosmosError::Header { height: next, reason: TOO_FAR })
                    }
                };
                self.nodes.block(next, judge).await
            };
            match judged {
                Ok(follower) => (header, next) = (light.trust(*follower), target),
                // The very next block is never too far.
                Err(error) if far.into_inner() => match (next - header.height()) / 2 {
                    0 => return Err(error),
                    half => next = header.height() + half,
                },
                Err(error) => return Err(error),
            }
        }
        Err(CosmosError::Header { height: target, reason: TOO_FAR })
    }

    /// The verified header at `height`: back from the newest one where it is near, or led to from the one in the
    /// settings.
    pub(crate) async fn header_at(&self, height: u64) -> Result<VerifiedHeader, CosmosError> {
        let mut light = self.light.lock().await;
        let top = match light.header() {
            Some(header) if light.height() >= height => header?,
            Some(_) | None => self.lead(&mut light, height).await?,
        };
        drop(light);
        if top.height().saturating_sub(height) <= BACK_MAX {
            return self.down_to(top, height).await;
        }
        if height < self.network.trusted.height {
            return Err(CosmosError::Header { height, reason: "it is before the trusted one" });
        }
        let mut other = LightClient::new(&self.network, self.network.trusted)?;
        self.lead(&mut other, height).await
    }

    /// The newest verified height, fetched now; `None` where no node can lead on.
    pub(crate) async fn reached(&self) -> Option<u64> {
        self.advance().await.ok().map(|header| header.height())
    }

    /// From a verified header back to an earlier one, each named by the one after it.
    async fn down_to(
        &self,
        mut header: VerifiedHeader,
        height: u64,
    ) -> Result<VerifiedHeader, CosmosError> {
        while header.height() > height {
            header = self.nodes.before(&header).await?;
        }
        Ok(header)
    }
}

const TOO_FAR: &str = "it is too far from the trusted one";
/// Blocks that may lie between the trusted header and the newest.
const STEPS_MAX: usize = 256;
/// Headers that are fetched one by one, back from the newest.
const BACK_MAX: u64 = 128;
