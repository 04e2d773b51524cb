-- The entry that was stored last under a prompt and has all attributes from ARGV[4] on. KEYS[5] has the entries of the prompt,
-- ARGV[2] is the digest of the prompt, ARGV[3] the time that it is for who asks.
for _, id in ipairs(redis.call('ZREVRANGE', KEYS[5], 0, 255)) do
    local attributes = beside(id, vectors, plain)
    if not attributes or not string.find(attributes, '"p":"' .. ARGV[2] .. '"', 1, true) then
        redis.call('ZREM', KEYS[5], id)
    else
        local over = redis.call('ZSCORE', ledger, id)
        if over and tonumber(over) > tonumber(ARGV[3]) and fits(attributes, 4) then
            local record = redis.call('GET', base .. 'e:' .. id)
            if record then return record end
            forget(id)
        end
    end
end
return false
