//! Connections between two requests. Nobody drives them, so what their peers did
//! meanwhile is seen when they are taken, and by a task that looks now and then.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use foldhash::HashMap;
use tokio::time::{Instant, sleep};

use super::Peer;
use super::connection::Connection;

/// Longest time between two requests on a connection.
const KEPT: Duration = Duration::from_secs(90);

/// How often connections are looked at that nobody takes.
const LOOK: Duration = Duration::from_secs(15);

/// Connections that can be taken.
#[derive(Default)]
pub(super) struct Idle {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By peer, the one used last at the end.
    kept: HashMap<Peer, Vec<Kept>>,
    is_looked_at: bool,
}

struct Kept {
    connection: Box<Connection>,
    since: Instant,
}

impl Idle {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The connection to a peer that was used last, if one is still good.
    pub(super) fn take(&self, peer: &Peer) -> Option<Box<Connection>> {
        loop {
            let pop = |state: &mut State| state.kept.get_mut(peer)?.pop();
            let mut kept = self.with(pop)?;
            if kept.is_good(Instant::now()) {
                return Some(kept.connection);
            }
        }
    }

    /// Keeps a connection that is free.
    pub(super) fn keep(self: &Arc<Self>, peer: &Peer, connection: Box<Connection>) {
        let kept = Kept {
            connection,
            since: Instant::now(),
        };
        let is_looked_at = self.with(|state| {
            match state.kept.get_mut(peer) {
                Some(others) => others.push(kept),
                None => drop(state.kept.insert(peer.clone(), vec![kept])),
            }
            std::mem::replace(&mut state.is_looked_at, true)
        });
        if !is_looked_at {
            tokio::spawn(look(Arc::downgrade(self)));
        }
    }

    /// Lets go of all connections to a peer.
    pub(super) fn forget(&self, peer: &Peer) {
        self.with(|state| state.kept.remove(peer));
    }

    /// Lets go of what is no longer good; whether anything is left.
    fn sweep(&self) -> bool {
        let now = Instant::now();
        self.with(|state| {
            state.kept.retain(|_, kept| {
                kept.retain_mut(|kept| kept.is_good(now));
                !kept.is_empty()
            });
            state.is_looked_at = !state.kept.is_empty();
            state.is_looked_at
        })
    }
}

impl Kept {
    fn is_good(&mut self, now: Instant) -> bool {
        now.duration_since(self.since) < KEPT && self.connection.is_free()
    }
}

/// Looks until nothing is left to look at.
async fn look(idle: Weak<Idle>) {
    loop {
        sleep(LOOK).await;
        if !idle.upgrade().is_some_and(|idle| idle.sweep()) {
            return;
        }
    }
}
