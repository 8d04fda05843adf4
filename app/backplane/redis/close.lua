-- Closes a stream: stores its end, once, lets log and end expire together, and publishes the end. One that another node
-- has claimed stays as it is.
--
-- KEYS  the log of the stream, its end
-- ARGV  "PUBLISH" or "SPUBLISH", the sender, channel of the user, the stream's id as JSON, the `stream.end` frame,
--       when it ended (Unix ms), ms that log and end stay

local publish, sender, channel, id, frame, ended_at, retention = unpack(ARGV)

local ending = redis.call('GET', KEYS[2])
if not ending or ending == 'claim ' .. sender then
  redis.call('SET', KEYS[2], ended_at .. ' ' .. frame, 'PX', retention)
  redis.call('PEXPIRE', KEYS[1], retention)
  local seq = redis.call('LLEN', KEYS[1])
  redis.call(
    publish, channel, sender .. ' {"type":"ended","streamId":' .. id .. ',"seq":' .. seq .. ',"end":' .. frame .. '}'
  )
end
