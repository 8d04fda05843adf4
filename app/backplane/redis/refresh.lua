-- Lets logs of streams that are not closed live on.
--
-- KEYS  for each stream: its log, its end
-- ARGV  seconds that a log lives
-- Returns for each stream 1, or 0 when there is no such log or the stream is closed.

local alive = {}
for number = 1, #KEYS, 2 do
  local is_open = redis.call('EXISTS', KEYS[number + 1]) == 0
  alive[#alive + 1] = is_open and redis.call('EXPIRE', KEYS[number], ARGV[1]) or 0
end
return alive
