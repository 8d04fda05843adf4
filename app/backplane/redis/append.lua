-- Appends ranges of streams and publishes what was appended: one message for each user, so that other nodes feed their
-- logs from it and need not read the journal. What is refused is never published.
--
-- KEYS  for each range: the log of its stream, the end of its stream
-- ARGV  "PUBLISH" or "SPUBLISH", the sender, seconds that a log lives
--       then for each user: channel, 1 if the sender hears it, how many ranges follow, 1 to send their chunks along
--       and for each of these ranges: the stream's id as JSON, prev, how many chunks follow, the chunks
-- Returns for each refused range: its number from 1, the stored head, 1 when the stream is closed to this node.

-- Lua has room for some thousand arguments of a call.
local AT_ONCE = 1000

local publish, sender, lifetime = ARGV[1], ARGV[2], ARGV[3]
local mine = 'claim ' .. sender
local refused = {}
local at, number = 4, 0

local function push(log, first, last)
  for from = first, last, AT_ONCE do
    redis.call('RPUSH', log, unpack(ARGV, from, math.min(from + AT_ONCE - 1, last)))
  end
end

-- Most of the time nobody but the sender itself listens, and it would drop what it hears of itself.
local function is_heard_by_others(channel, is_heard_by_sender)
  local count = redis.call('PUBSUB', publish == 'PUBLISH' and 'NUMSUB' or 'SHARDNUMSUB', channel)[2]
  return tonumber(count) > is_heard_by_sender
end

local function news(id, prev, seq, chunks)
  local range = '{"streamId":' .. id .. ',"prev":' .. prev .. ',"seq":' .. seq
  return range .. (chunks and ',"chunks":[' .. chunks .. ']}' or '}')
end

while at <= #ARGV do
  local channel, is_heard = ARGV[at], tonumber(ARGV[at + 1])
  local ranges, whole = tonumber(ARGV[at + 2]), ARGV[at + 3] == '1'
  local is_told = is_heard_by_others(channel, is_heard)
  local told = {}
  at = at + 4
  for _ = 1, ranges do
    number = number + 1
    local log, ending = KEYS[2 * number - 1], KEYS[2 * number]
    local id, prev, count = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local first, last, seq = at + 3, at + 2 + count, prev + count
    at = last + 1
    local head = redis.call('LLEN', log)
    if seq > head then -- otherwise it is there already, and was published when it came
      local ended = redis.call('GET', ending)
      local closed = ended and ended ~= mine
      if prev == head and not closed then
        push(log, first, last)
        if head == 0 then
          redis.call('EXPIRE', log, lifetime)
        end
        if is_told then
          told[#told + 1] = news(id, prev, seq, whole and table.concat(ARGV, ',', first, last))
        end
      else
        refused[#refused + 1] = {number, head, closed and 1 or 0}
      end
    end
  end
  if #told > 0 then
    redis.call(publish, channel, sender .. ' {"type":"appended","ranges":[' .. table.concat(told, ',') .. ']}')
  end
end

return refused
