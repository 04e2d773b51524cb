-- Removes all entries, in two steps. The first takes ledger and vectors away under other names, at once: from then on nothing
-- of the scope is found. The second, called until nothing is left, removes what lies there, and leaves alone what was stored
-- again meanwhile. ARGV[2] is '1' if the first step is still to be done. KEYS[5] to KEYS[7] are the other names.
-- Answers whether the first step was done, how many live entries there were, and how many are left for the second step.
local gone, gone_vectors, gone_plain = KEYS[5], KEYS[6], KEYS[7]
local begun, alive = 0, 0
-- What an earlier call left when it was cut off comes first.
if ARGV[2] == '1' and redis.call('EXISTS', gone) == 0 then
    begun = 1
    alive = redis.call('ZCOUNT', ledger, '(' .. now, '+inf')
    redis.call('UNLINK', gone_vectors, gone_plain, uses)
    if redis.call('EXISTS', ledger) == 1 then redis.call('RENAME', ledger, gone) end
    if redis.call('EXISTS', vectors) == 1 then redis.call('RENAME', vectors, gone_vectors) end
    if redis.call('EXISTS', plain) == 1 then redis.call('RENAME', plain, gone_plain) end
end
-- A key of somebody else's under this name would keep the rest from ever being done.
for key, kind in pairs({ [gone_vectors] = 'vectorset', [gone_plain] = 'hash' }) do
    local is = redis.call('TYPE', key).ok
    if is ~= 'none' and is ~= kind then redis.call('UNLINK', key) end
end
for _, id in ipairs(redis.call('ZRANGE', gone, 0, 499)) do
    local before = prompt_of(id, gone_vectors, gone_plain)
    local is_back = redis.call('ZSCORE', ledger, id)
    if before and not (is_back and prompt_of(id, vectors, plain) == before) then redis.call('ZREM', base .. 'x:' .. before, id) end
    if not is_back then redis.call('UNLINK', base .. 'e:' .. id) end
    redis.call('ZREM', gone, id)
end
local left = redis.call('ZCARD', gone)
if left == 0 then redis.call('UNLINK', gone_vectors, gone_plain) end
return { begun, alive, left }
