//! What runs inside the server, so that it is done whole or not at all.

use vetted_redis::redis::{Cmd, cmd};

/// A script.
#[derive(Clone, Copy)]
pub(super) struct Script(&'static str);

/// Puts a document in place of the one with its id.
pub(super) const PUT: Script = Script(concat!(
    include_str!("scripts/begin.lua"),
    include_str!("scripts/postings.lua"),
    include_str!("scripts/put.lua")
));
/// Removes documents.
pub(super) const DELETE: Script = Script(concat!(
    include_str!("scripts/begin.lua"),
    include_str!("scripts/postings.lua"),
    include_str!("scripts/delete.lua")
));
/// Replaces a field of documents.
pub(super) const SET: Script = Script(concat!(include_str!("scripts/begin.lua"), include_str!("scripts/set.lua")));
/// Reads fields of documents.
pub(super) const GET: Script = Script(concat!(include_str!("scripts/begin.lua"), include_str!("scripts/get.lua")));

impl Script {
    /// The command that runs it in the shard whose keys begin with `base`, if that is part of `making`. Arguments are added to it.
    pub(super) fn in_shard(self, base: &str, making: &str) -> Cmd {
        let mut command = cmd("EVAL");
        // One key says which slot all of them are in.
        command.arg(self.0).arg(1).arg(format!("{base}s")).arg(making).arg(base);
        command
    }
}
