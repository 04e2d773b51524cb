//! An index on Redis 8, in as many shards as there are machines to hold it.
//!
//! A document lies in one shard, which the digest of its id decides, and all of it lies together: every key of a shard has the
//! shard's hash tag, so in a cluster all of them are in one slot, and one script can change them at once. The tags are chosen so
//! that shards spread evenly over the slots. Keys begin with `vetted:{NAME.TAG}:`, and then
//!
//! | key | type | what |
//! |---|---|---|
//! | `v` | vector set, Q8 | a vector for each passage: `NUMBER:PASSAGE`; beside it what filters ask for |
//! | `d:NUMBER` | hash | a document: its id, text, metadata, passages with their exact vectors, views, origins |
//! | `i` | hash | by id, the number of the document |
//! | `w:TERM` | string | the term's postings, 8 bytes each, by number |
//! | `x` | hash | of long lists of postings, how many are of documents that are gone |
//! | `s` | hash | counts, the next number, and `of`: which making of the index it belongs to |
//! | `index` | string | a copy of what the index is, in some shards |
//!
//! and `vetted:{NAME}:index` says what the index is.
//!
//! Every script and every search looks at `of`. So a server that came back without its data is no shard with few documents, but
//! one that is missing; and whoever has an index open that was made anew under the same name is told, and writes nothing into it.
//!
//! # What happens at once
//!
//! A document is written, replaced or removed by one script. Redis runs it whole or not at all, and keeps its changes as one
//! transaction. So whoever is killed between two commands, a client or a server, leaves each document whole. A batch is not one
//! transaction: after an error some of its documents are there. Writing the same batch again is right, and costs little.
//! What Redis has acknowledged survives its end as `appendfsync` says: `always` keeps all of it, `everysec` all but the last second.
//!
//! # Searching
//!
//! All shards are asked at once, and what they answer is merged by score. Redis compares vectors of 8 bits; the best are scored
//! again with the exact ones, which are fetched with the documents. So scores are the same bits as those of an index in a folder.
//! Words are looked up in the lists of postings and scored here, by the same arithmetic and by the counts of all shards together.
//! A search takes two ways to each shard: one to search, one to fetch. A document that is replaced between the two is still there to be
//! fetched: what a script replaces or removes is found no more, and goes ten seconds later.
//!
//! While a cluster moves a slot, each command is asked on the node that has its key. Scripts wait until the slot has moved: they would
//! find a part of their keys.
//!
//! A shard that does not answer in time is left out, and [`Retrieved::not_asked`](crate::Retrieved::not_asked) says so. Changes are tried again for a while,
//! with pauses that grow, and fail then.

mod address;
mod dense;
mod filtering;
mod keys;
mod opening;
mod records;
mod scripts;
mod session;
mod shards;
mod words;
mod writing;

pub use address::IndexAddress;
pub use opening::{RedisIndex, Settings};
