-- Removes some of the entries that have all attributes from ARGV[3] on. ARGV[2] is where the last call left off, '0' for the
-- first. Answers where this one leaves off, '0' for the end, and how many of those removed were alive.
local alive = 0
local scan = redis.call('ZSCAN', ledger, ARGV[2], 'COUNT', 200)
for n = 1, #scan[2], 2 do
    local id = scan[2][n]
    local attributes = beside(id, vectors, plain)
    if attributes and fits(attributes, 3) and forget(id) then alive = alive + 1 end
end
return { scan[1], alive }
