-- Removes some of what is over: at most ARGV[2] entries. Answers how many.
local expired = redis.call('ZRANGEBYSCORE', ledger, '-inf', now, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(expired) do forget(id) end
return #expired
