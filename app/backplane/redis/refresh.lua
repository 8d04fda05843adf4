-- Lets streams that are not closed live on: their logs, and the claims on them.
--
-- KEYS  for each stream: its log, its end
-- ARGV  seconds that they live
-- Returns for each stream 1, or 0 when there is no such log or the stream is closed.

local alive = {}
for number = 1, #KEYS, 2 do
  local ending = redis.call('GET', KEYS[number + 1])
  local is_open = not ending or ending:sub(1, 6) == 'claim '
  alive[#alive + 1] = is_open and redis.call('EXPIRE', KEYS[number], ARGV[1]) or 0
  if is_open and ending then
    redis.call('EXPIRE', KEYS[number + 1], ARGV[1])
  end
end
return alive
