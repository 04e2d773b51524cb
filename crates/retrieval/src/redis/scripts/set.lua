-- Replaces a field of documents: views ('v') or origins ('o'). ARGV: base, field, then ids and values.
local set = 0
for at = 3, #ARGV, 2 do
  local number = redis.call('HGET', ARGV[1] .. 'i', ARGV[at])
  local key = number and ARGV[1] .. 'd:' .. number
  if key and redis.call('EXISTS', key) == 1 then
    if ARGV[2] == 'v' then
      local sizes = redis.call('HMGET', key, 's', 'b')
      local more = #ARGV[at + 1] - tonumber(sizes[1])
      redis.call('HSET', key, 's', #ARGV[at + 1], 'b', tonumber(sizes[2]) + more)
      redis.call('HINCRBY', ARGV[1] .. 's', 'views', more)
      redis.call('HINCRBY', ARGV[1] .. 's', 'bytes', more)
    end
    redis.call('HSET', key, ARGV[2], ARGV[at + 1])
    set = set + 1
  end
end
return set
