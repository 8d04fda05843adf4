-- Publishes a probe and returns the epoch of this partition: another one than before means that the server was wiped.
--
-- KEYS  the epoch
-- ARGV  "PUBLISH" or "SPUBLISH", channel, the probe, an epoch in case there is none, seconds that it lives

local publish, channel, probe, fresh, lifetime = unpack(ARGV)

local epoch = redis.call('GETEX', KEYS[1], 'EX', lifetime)
if not epoch then
  epoch = fresh
  redis.call('SET', KEYS[1], epoch, 'EX', lifetime)
end
redis.call(publish, channel, probe)
return epoch
