//! Runs `cache` tags.

use std::sync::Arc;
use std::time::Duration;

use super::{Frame, Rt, Scope};
use crate::cache::{self, Fragment};
use crate::error::Error;
use crate::program::CacheOp;

impl Rt<'_> {
    /// Puts out what the store has for the key, or what the body gives now. Without a store the body always
    /// runs; key, lifetime and tags are looked at all the same, so that their errors show everywhere.
    pub(super) fn cache_tag<'a>(&mut self, frame: &mut Frame<'a>, op: &'a CacheOp) -> Result<(), Error> {
        let key = self.eval(frame, &op.key).and_then(|v| cache::key(&v));
        let key = self.located(frame, key, op.line)?;
        let store = self.engine.cache.clone();
        if let Some(store) = &store
            && let Some(bytes) = store.get(&key, self.moment())
        {
            self.out.extend_from_slice(&bytes);
            return Ok(());
        }
        let scope = Scope::Frame(frame);
        let mut inner = Frame::new(&op.unit, frame.template, frame.blocks, scope);
        let tags = match &op.tags {
            Some(ex) => {
                let tags = self.eval(&mut inner, ex).and_then(|v| cache::tags(&v));
                self.located(&inner, tags, op.line)?
            }
            None => Vec::new(),
        };
        let ttl = match &op.ttl {
            Some(ex) => {
                let ttl = self.eval(&mut inner, ex).and_then(|v| cache::ttl(&v));
                self.located(&inner, ttl, op.line)?
            }
            None => None,
        };
        let Some(store) = store else {
            return self.nested(|rt| rt.run(&mut inner, &op.unit.body));
        };
        // The fragment stays whole until it is kept, although the output may be handed on meanwhile.
        let start = self.out.len();
        self.captures += 1;
        let result = self.nested(|rt| rt.run(&mut inner, &op.unit.body));
        self.captures -= 1;
        result?;
        let bytes: Arc<[u8]> = self.out.get(start..).unwrap_or(&[]).into();
        store.save(&key, Fragment { bytes, ttl, tags }, self.moment());
        Ok(())
    }

    fn moment(&self) -> Duration {
        let (seconds, nanos) = (self.engine.clock)();
        Duration::new(u64::try_from(seconds).unwrap_or(0), u32::try_from(nanos).unwrap_or(0))
    }
}
