-- One document in place of the one with its id. ARGV: base, id, text record, metadata or '', passages and vectors, views or '',
-- origins, time, length, attributes or '', number of vectors, the vectors ('' for one that points nowhere), number of
-- terms, then each term and its half of a posting.
local id, text, metadata, passages, views, origins = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local length, attributes, vectors = tonumber(ARGV[9]), ARGV[10], tonumber(ARGV[11])
local first_term = 13 + vectors
local terms = tonumber(ARGV[first_term - 1])

-- Everything is looked at before anything is written, so that what fails leaves what was there before.
local old_number = redis.call('HGET', base .. 'i', id)
local old = old_number and kept(old_number)
local names = {}
for at = 0, terms - 1 do
  names[at + 1] = ARGV[first_term + 2 * at]
  must_be(base .. 'w:' .. names[at + 1], 'string')
end
must_be(base .. 'v', 'vectorset')
must_be(base .. 'x', 'hash')
local number = redis.call('HGET', base .. 's', 'next') or '1'
must_be(base .. 'd:' .. number, 'hash')

for at = 0, vectors - 1 do
  local vector = ARGV[12 + at]
  if #vector > 0 then
    local added
    if #attributes > 0 then
      added = redis.pcall('VADD', base .. 'v', 'FP32', vector, number .. ':' .. at, 'Q8', 'EF', '200', 'SETATTR', attributes, 'M', '16')
    else
      added = redis.pcall('VADD', base .. 'v', 'FP32', vector, number .. ':' .. at, 'Q8', 'EF', '200', 'M', '16')
    end
    if type(added) == 'table' and added.err then
      for before = 0, at - 1 do redis.call('VREM', base .. 'v', number .. ':' .. before) end
      return added
    end
  end
end
local bytes = #text + #metadata + #passages + #views
redis.call('HSET', base .. 'd:' .. number, 'i', id, 'a', text, 'p', passages, 'w', cmsgpack.pack(names), 'n', vectors,
  'l', length, 's', #views, 'b', bytes)
if #metadata > 0 then redis.call('HSET', base .. 'd:' .. number, 'm', metadata) end
if #views > 0 then redis.call('HSET', base .. 'd:' .. number, 'v', views) end
if #origins > 0 then redis.call('HSET', base .. 'd:' .. number, 'o', origins) end
local numbered = struct.pack('<I4', tonumber(number))
for at = 0, terms - 1 do
  redis.call('APPEND', base .. 'w:' .. names[at + 1], numbered .. ARGV[first_term + 2 * at + 1])
end
redis.call('HSET', base .. 'i', id, number)
redis.call('HSET', base .. 's', 'next', tonumber(number) + 1, 'changed', ARGV[8])
redis.call('HINCRBY', base .. 's', 'passages', vectors)
redis.call('HINCRBY', base .. 's', 'views', #views)
redis.call('HINCRBY', base .. 's', 'bytes', bytes)
redis.call('HINCRBY', base .. 's', 'length', length)
if terms > 0 then redis.call('HINCRBY', base .. 's', 'worded', 1) end
if old then forget(old) end
return old and 1 or 0
