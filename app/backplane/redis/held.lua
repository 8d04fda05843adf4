-- Looks how far streams are stored.
--
-- KEYS  for each stream: its log, its end
-- Returns for each stream: the head, and its end as it is stored or an empty string.

local found = {}
for number = 1, #KEYS, 2 do
  found[#found + 1] = redis.call('LLEN', KEYS[number])
  found[#found + 1] = redis.call('GET', KEYS[number + 1]) or ''
end
return found
