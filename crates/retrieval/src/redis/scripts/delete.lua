-- Removes documents. ARGV: base, time, ids. Each is looked at whole before anything of it goes.
local removed = 0
for at = 3, #ARGV do
  local number = redis.call('HGET', base .. 'i', ARGV[at])
  local document = number and kept(number)
  if document then
    must_be(base .. 'v', 'vectorset')
    must_be(base .. 'x', 'hash')
    must_be(base .. 'd:' .. number, 'hash')
    redis.call('HDEL', base .. 'i', ARGV[at])
    forget(document)
    removed = removed + 1
  end
end
if removed > 0 then redis.call('HSET', base .. 's', 'changed', ARGV[2]) end
return removed
