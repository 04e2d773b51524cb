-- Removes the entries from ARGV[2] on. Answers how many of them were alive.
local alive = 0
for n = 2, #ARGV do
    if forget(ARGV[n]) then alive = alive + 1 end
end
return alive
