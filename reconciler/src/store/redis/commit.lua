#!lua
-- Does all of a transaction or none of it. Lua does not roll back: everything is checked before the first write,
-- and the first write is the one that may be refused.
-- KEYS 1 meta, 2 ops, 3 refused, 4 events, and behind them whatever the arguments name by number.
local meta, ops, refused, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local place = 0
-- The next arguments.
local function take(count)
  place = place + count
  return unpack(ARGV, place - count + 1, place)
end
local function text(number) return string.format('%d', number) end

local lineage, op, process, request, shard, epoch = take(6)
local compared, kept, lines, guards, writes, entries = take(6)
compared, kept = compared == '1', tonumber(kept)
guards, writes, entries = tonumber(guards), tonumber(writes), tonumber(entries)

local known = redis.call('HMGET', meta, 'lineage', 'moment', 'position', 'refused', 'barrier:' .. shard)
if known[1] ~= lineage then return {'lineage', known[1] or ''} end

local before = redis.call('HGET', ops, op)
if before then
  local answer = {'done', '0'}
  -- A write, so that a WAIT behind it waits for all that came before.
  redis.call('HSET', meta, 'settled', op)
  for _, entry in ipairs(redis.call('XRANGE', events, before, before)) do
    for i = 4, #entry[2], 2 do answer[#answer + 1] = entry[2][i] end
  end
  return answer
end
local settled = known[4] and redis.call('ZSCORE', refused, op .. ' ' .. process)
if settled and tonumber(request) <= tonumber(settled) then return {'late'} end
if shard ~= '' and tonumber(epoch) < (tonumber(known[5]) or 0) then return {'fenced', known[5]} end

-- The first record that is not as expected; a key that is written twice never is.
local function unexpected(key, name, version)
  local value = redis.call('HGET', key, name)
  local same
  if version == '' then same = not value else same = value and value:sub(1, #version + 1) == version .. ' ' end
  if same or not compared then return nil, value end
  return {'conflict', name, value or ''}, value
end
for _ = 1, guards do
  local key, name, version = take(3)
  local conflict = unexpected(KEYS[tonumber(key)], name, version)
  if conflict then return conflict end
end
local changes, seen = {}, {}
for i = 1, writes do
  local key, name, version, content = take(4)
  key = KEYS[tonumber(key)]
  local conflict, value = unexpected(key, name, version)
  if conflict then return conflict end
  if seen[name] and compared then return {'conflict', name, value or ''} end
  seen[name] = (seen[name] or (value and tonumber(value:match('^%d+'))) or 0) + 1
  changes[i] = {key, name, text(seen[name]), content}
end

-- From here on it is done.
local moment = (tonumber(known[2]) or 0) + 1
local now, part, from = text(moment), 0, 1
repeat
  local fields = {'op', op}
  for i = from, math.min(from + 499, writes) do
    fields[#fields + 1] = changes[i][2]
    fields[#fields + 1] = changes[i][3]
  end
  redis.call('XADD', events, now .. '-' .. part, unpack(fields))
  part, from = part + 1, from + 500
until from > writes
local answer = {'done', '0'}
for i = 1, writes do
  local key, name, counter, content = unpack(changes[i])
  redis.call('HSET', key, name, counter .. ' ' .. op .. ' ' .. content)
  answer[i + 2] = counter
end

local position, dropped = known[3] or '0', 0
if entries > 0 then
  -- The numbers that a subject has are kept as ranges, ascending: `1-9,12-12`.
  local function ranges(value)
    local list = {}
    for first, last in string.gmatch(value or '', '(%d+)-(%d+)') do
      list[#list + 1] = {tonumber(first), tonumber(last)}
    end
    return list
  end
  -- The number of a new line, or nil where there is a line of that number.
  local function add(list, wanted)
    local last = list[#list]
    local number = tonumber(wanted) or (last and last[2] + 1 or 1)
    local i = 1
    while list[i] and list[i][2] < number do i = i + 1 end
    if list[i] and list[i][1] <= number then return nil end
    table.insert(list, i, {number, number})
    for j = math.min(i + 1, #list), math.max(i, 2), -1 do
      if list[j - 1][2] + 1 == list[j][1] then
        list[j - 1][2] = list[j][2]
        table.remove(list, j)
      end
    end
    return number
  end
  local last, subjects, histories = tonumber(position), {}, {}
  for _ = 1, entries do
    local history, numbers, subject, wanted, at, content = take(6)
    history, numbers = KEYS[tonumber(history)], KEYS[tonumber(numbers)]
    local about = subjects[subject]
    if not about then
      about = {numbers, ranges(redis.call('HGET', numbers, subject))}
      subjects[subject] = about
    end
    local number = add(about[2], wanted)
    if number then
      last, histories[history] = last + 1, true
      redis.call('XADD', history, text(last) .. '-0',
        'subject', subject, 'sequence', text(number), 'at', at, 'text', content)
    end
  end
  for subject, about in pairs(subjects) do
    local list = {}
    for i, range in ipairs(about[2]) do list[i] = text(range[1]) .. '-' .. text(range[2]) end
    redis.call('HSET', about[1], subject, table.concat(list, ','))
  end
  for history in pairs(histories) do
    dropped = dropped + redis.call('XTRIM', history, 'MAXLEN', '~', lines)
  end
  position = text(last)
end

redis.call('HSET', meta, 'moment', now, 'op', op, 'position', position)
redis.call('HSET', ops, op, now)
-- What is remembered is bounded. Rarely and much at once: an operation is forgotten before its entry is.
if moment > kept and moment % 64 == 0 then
  for _, entry in ipairs(redis.call('XRANGE', events, text(math.max(moment - kept - 63, 1)), text(moment - kept))) do
    redis.call('HDEL', ops, entry[2][2])
  end
  redis.call('XTRIM', events, 'MINID', '~', text(moment - kept + 1))
end
if dropped > 0 then
  redis.call('HINCRBY', meta, 'dropped', dropped)
  answer[2] = text(dropped)
end
return answer
