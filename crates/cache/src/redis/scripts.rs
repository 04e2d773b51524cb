//! What runs inside the server, so that it is done whole or not at all: a server that dies between two commands of one leaves
//! what was there before, for it keeps the changes of a script as one transaction.
//!
//! Searches are no scripts: a script would hold up the whole server.

use ::redis::{Cmd, cmd};

use super::keys::Keys;

/// A script, without what stands before all of them.
#[derive(Clone, Copy)]
pub(super) struct Script(&'static str);

const FORGET: &str = include_str!("scripts/forget.lua");

pub(super) const PUT: Script = Script(include_str!("scripts/put.lua"));
pub(super) const EXACT: Script = Script(include_str!("scripts/exact.lua"));
pub(super) const REMOVE: Script = Script(include_str!("scripts/remove.lua"));
pub(super) const REMOVE_WHERE: Script = Script(include_str!("scripts/remove_where.lua"));
pub(super) const CLEAR: Script = Script(include_str!("scripts/clear.lua"));
pub(super) const SERVED: Script = Script(include_str!("scripts/served.lua"));
pub(super) const SWEEP: Script = Script(include_str!("scripts/sweep.lua"));

impl Script {
    /// The command that runs it for a scope, with keys beside the four that every script has. Arguments are added to it.
    pub(super) fn on(self, keys: &Keys, more: &[String]) -> Cmd {
        let mut command = cmd("EVAL");
        command.arg(format!("{FORGET}{}", self.0)).arg(4 + more.len());
        command.arg(keys.vectors()).arg(keys.ledger()).arg(keys.uses()).arg(keys.plain());
        for key in more {
            command.arg(key);
        }
        command.arg(keys.base());
        command
    }
}
