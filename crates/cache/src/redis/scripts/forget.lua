-- Stands before every other script. KEYS[1] is the vector set of a scope, KEYS[2] its ledger (id -> when it is over, in ms),
-- KEYS[3] its uses (id -> when it was last used, in us), KEYS[4] what stands beside a vector, of entries that have none, ARGV[1]
-- what all its keys begin with. The other keys are named by ids and digests that are only found here; they have the same hash
-- tag, and so the same slot.
local vectors, ledger, uses, plain, base = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local microseconds = clock[1] .. string.format('%06d', clock[2])

-- What stands beside the vector of an entry, or in its place.
local function beside(id, set, hash)
    return redis.call('VGETATTR', set, id) or redis.call('HGET', hash, id)
end

-- The digest of the prompt that an entry was stored under.
local function prompt_of(id, set, hash)
    local attributes = beside(id, set, hash)
    return attributes and string.match(attributes, '"p":"(%x+)"')
end

-- Removes all that is kept of an entry. Whether it was alive.
local function forget(id)
    local over = redis.call('ZSCORE', ledger, id)
    local prompt = prompt_of(id, vectors, plain)
    if prompt then redis.call('ZREM', base .. 'x:' .. prompt, id) end
    redis.call('VREM', vectors, id)
    redis.call('HDEL', plain, id)
    redis.call('ZREM', ledger, id)
    redis.call('ZREM', uses, id)
    return redis.call('UNLINK', base .. 'e:' .. id) == 1 and over and tonumber(over) > now
end

-- Whether an entry has all attributes from ARGV[first] on, each as it is written in the JSON of its vector.
local function fits(attributes, first)
    for n = first, #ARGV do
        if not string.find(attributes, ARGV[n], 1, true) then return false end
    end
    return true
end
