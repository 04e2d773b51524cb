-- What every script begins with. The first of ARGV says which making of the index is meant: a shard that lost its data, or belongs to
-- an index that was made anew under the same name, takes nothing and gives nothing.
local making = table.remove(ARGV, 1)
if redis.call('HGET', ARGV[1] .. 's', 'of') ~= making then
  return redis.error_reply('LOST this shard has nothing of the index: its server came back without its data, or the index was made '
    .. 'anew under the same name. Open it again; if documents are missing then, index them again under another name')
end
