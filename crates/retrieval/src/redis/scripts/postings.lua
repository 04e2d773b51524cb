-- What both scripts that change documents need. A posting is 8 bytes: the document's number, and how often it has the
-- term, with its length in the highest byte. Numbers ascend, for they are never given twice.
local base = ARGV[1]

-- Fails, and names the key, if somebody else's data lie there. While a cluster moves a slot, a key may be elsewhere already: this
-- fails then, too. Everything is looked at so before anything is written.
local function must_be(key, kind)
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then
    error({err = 'FOREIGN the key ' .. key .. ' is a ' .. found .. ' where an index has a ' .. kind
      .. ': something else is kept there. Remove it, or choose another name for the index'})
  end
end

-- What of a document has to go with it.
local function kept(number)
  local fields = redis.call('HMGET', base .. 'd:' .. number, 'w', 'n', 'l', 's', 'b')
  if not fields[1] then return nil end
  local document = {number = number, terms = cmsgpack.unpack(fields[1]), passages = tonumber(fields[2]),
    length = tonumber(fields[3]), views = tonumber(fields[4]), bytes = tonumber(fields[5])}
  for _, term in ipairs(document.terms) do must_be(base .. 'w:' .. term, 'string') end
  return document
end

local function forget_posting(term, number)
  local key = base .. 'w:' .. term
  local size = redis.call('STRLEN', key)
  local low, high = 0, size / 8 - 1
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local found = struct.unpack('<I4', redis.call('GETRANGE', key, middle * 8, middle * 8 + 3))
    if found < number then
      low = middle + 1
    elseif found > number then
      high = middle - 1
    elseif size == 8 then
      redis.call('DEL', key)
      return
    elseif size <= 4096 then
      local all = redis.call('GET', key)
      redis.call('SET', key, all:sub(1, middle * 8) .. all:sub(middle * 8 + 9))
      return
    else
      -- Of a long list the place is only marked. Once half of it is, the list is made anew.
      redis.call('SETRANGE', key, middle * 8 + 4, '\0\0\0\0')
      local dead = redis.call('HINCRBY', base .. 'x', term, 1)
      if dead * 16 > size then
        local all, alive = redis.call('GET', key), {}
        for at = 1, #all, 8 do
          if all:sub(at + 4, at + 7) ~= '\0\0\0\0' then alive[#alive + 1] = all:sub(at, at + 7) end
        end
        redis.call('HDEL', base .. 'x', term)
        if #alive == 0 then redis.call('DEL', key) else redis.call('SET', key, table.concat(alive)) end
      end
      return
    end
  end
end

local function forget(document)
  for passage = 0, document.passages - 1 do
    redis.call('VREM', base .. 'v', document.number .. ':' .. passage)
  end
  for _, term in ipairs(document.terms) do forget_posting(term, tonumber(document.number)) end
  -- Who has found it just now still fetches it.
  redis.call('PEXPIRE', base .. 'd:' .. document.number, 10000)
  redis.call('HINCRBY', base .. 's', 'passages', -document.passages)
  redis.call('HINCRBY', base .. 's', 'views', -document.views)
  redis.call('HINCRBY', base .. 's', 'bytes', -document.bytes)
  redis.call('HINCRBY', base .. 's', 'length', -document.length)
  if #document.terms > 0 then redis.call('HINCRBY', base .. 's', 'worded', -1) end
end
