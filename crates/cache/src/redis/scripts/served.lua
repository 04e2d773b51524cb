-- ARGV[2] was served.
return redis.call('ZADD', uses, 'XX', microseconds, ARGV[2])
