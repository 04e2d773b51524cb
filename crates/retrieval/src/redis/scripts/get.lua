-- Fields of documents by id, each as one array; false for what is not there. ARGV: base, how many fields, the fields, ids.
local fields, answers = {}, {}
for at = 3, 2 + tonumber(ARGV[2]) do fields[#fields + 1] = ARGV[at] end
for at = 3 + #fields, #ARGV do
  local number = redis.call('HGET', ARGV[1] .. 'i', ARGV[at])
  answers[#answers + 1] = number and redis.call('HMGET', ARGV[1] .. 'd:' .. number, unpack(fields))
end
return answers
