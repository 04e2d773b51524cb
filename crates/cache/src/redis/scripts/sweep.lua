-- Removes some of what is over: at most ARGV[2] entries.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', ledger, '-inf', now, 'LIMIT', 0, ARGV[2])) do forget(id) end
return 0
