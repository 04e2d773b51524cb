-- Keeps an entry, and removes a bounded number of others: what is over, what lost its content, what there is no room for.
-- KEYS[5] is the key of the entry, KEYS[6] the entries of its prompt. ARGV[11], where it is given, is what must be kept there now.
-- Answers how many were over, and how many made room; nothing where something else is kept.
local id, vector, attributes, record, prompt = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local stored, over, limit, bound = ARGV[7], ARGV[8], tonumber(ARGV[9]), tonumber(ARGV[10])

if ARGV[11] and redis.call('GET', KEYS[5]) ~= ARGV[11] then return false end
-- First what can fail, for want of memory or because the vector is of another length: then nothing has changed.
local before = prompt_of(id, vectors, plain)
local kept = { vectors, ledger, uses, plain, KEYS[6] }
local is_new = {}
for n, key in ipairs(kept) do is_new[n] = redis.call('EXISTS', key) == 0 end
if vector == '' then
    redis.call('HSET', plain, id, attributes)
    redis.call('VREM', vectors, id)
else
    redis.call('VADD', vectors, 'FP32', vector, id, 'Q8', 'SETATTR', attributes)
    redis.call('HDEL', plain, id)
end
if over == '+inf' then
    redis.call('SET', KEYS[5], record)
else
    redis.call('SET', KEYS[5], record, 'PXAT', over)
end
if before and before ~= prompt then redis.call('ZREM', base .. 'x:' .. before, id) end
redis.call('ZADD', KEYS[6], stored, id)
redis.call('ZADD', ledger, over, id)
redis.call('ZADD', uses, microseconds, id)
-- What belongs to many entries goes with the last of them, so that a scope that nobody asks for any longer leaves nothing.
for n, key in ipairs(kept) do
    if over == '+inf' then
        redis.call('PERSIST', key)
    elseif is_new[n] then
        redis.call('PEXPIREAT', key, over)
    else
        redis.call('PEXPIREAT', key, over, 'GT')
    end
end

local expired = 0
for _, other in ipairs(redis.call('ZRANGEBYSCORE', ledger, '-inf', now, 'LIMIT', 0, bound)) do
    forget(other)
    expired = expired + 1
end
-- The server may have taken an entry for want of memory, and left its vector.
for _, other in ipairs(redis.call('ZRANDMEMBER', ledger, 2)) do
    if redis.call('EXISTS', base .. 'e:' .. other) == 0 then
        if tonumber(redis.call('ZSCORE', ledger, other)) <= now then expired = expired + 1 end
        forget(other)
    end
end
local evicted = 0
local excess = math.min(redis.call('ZCARD', ledger) - limit, bound)
if excess > 0 then
    local victims = redis.call('ZRANGE', uses, 0, excess - 1)
    -- Where the server took the uses, those that are over soonest go.
    if #victims == 0 then victims = redis.call('ZRANGE', ledger, 0, excess - 1) end
    for _, other in ipairs(victims) do
        if other ~= id then
            forget(other)
            evicted = evicted + 1
        end
    end
end
return { expired, evicted }
