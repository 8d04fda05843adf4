-- Takes a stream over: from now on only this node may append and close. A closed stream stays as it is.
--
-- KEYS  the end of the stream
-- ARGV  the sender, seconds that a claim lives

local mine, lifetime = 'claim ' .. ARGV[1], ARGV[2]

local ending = redis.call('GET', KEYS[1])
if not ending or ending:sub(1, 6) == 'claim ' then
  redis.call('SET', KEYS[1], mine, 'EX', lifetime)
end
