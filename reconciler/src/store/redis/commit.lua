#!lua
-- Does all of a transaction or none of it. Lua does not roll back: everything is checked before the first write,
-- and the first write is the one that may be refused. Most commits write one record. What they do not need is left
-- alone: an argument that is taken apart, a table that grows and an inner call cost more than the writing itself.
-- KEYS 1 meta, 2 refused, 3 events, then the hash of each record, then the history and the numbers of each line.
-- ARGV 1 lineage, 2 operation, 3 the barrier's field or nothing, 4 epoch, 5 what few need, `PROCESS REQUEST KEPT LINES`:
-- who asks, and how many transactions and lines are kept. Then three for each record: its name, how it has to begin
-- (nothing: it must not be there; `*`: it may be anything), what it becomes (nothing: it is only compared). Then three
-- for each line: its subject, `TIME NUMBER` (no NUMBER: the next), its text.
local KEYS, ARGV, call, match, format = KEYS, ARGV, redis.call, string.match, string.format
local meta, events, op = KEYS[1], KEYS[3], ARGV[2]
-- A record has one key and a line two.
local parts = (#ARGV - 5) / 3
local lines = #KEYS - 3 - parts
local records = parts - lines

local known
if lines > 0 then
  known = call('HMGET', meta, 'lineage', 'moment', op, ARGV[3], 'refused', 'position')
else
  known = call('HMGET', meta, 'lineage', 'moment', op, ARGV[3], 'refused')
end
if known[1] ~= ARGV[1] then return {'lineage', known[1] or ''} end

local before, barrier = known[3], known[4]
if before then
  local answer = {'written'}
  -- A write, so that a WAIT behind it waits for all that came before.
  call('HSET', meta, 'settled', op)
  for _, entry in ipairs(call('XRANGE', events, before, before)) do
    for i = 4, #entry[2], 2 do answer[#answer + 1] = entry[2][i] end
  end
  return answer
end
if known[5] then
  local process, request = match(ARGV[5], '^(%S+) (%d+)')
  local settled = call('ZSCORE', KEYS[2], op .. ' ' .. process)
  if settled and tonumber(request) <= tonumber(settled) then return {'late'} end
end
if barrier and barrier ~= ARGV[4] and tonumber(ARGV[4]) < tonumber(barrier) then return {'fenced', barrier} end

-- What is written: name and counter of each record, one after the other; where there are several, also by name.
local changes, count, at = {nil, nil}, 0, 6
for i = 4, records + 3 do
  local name, version, value = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local found, wrong = call('HGET', KEYS[i], name), false
  if version == '*' then
    local counter = changes[name] or found and match(found, '^%d+') or 0
    value = format('%d', counter + 1) .. match(value, ' .*')
    ARGV[at + 2] = value
  elseif version == '' then
    wrong = found
  else
    wrong = not found or string.find(found, version, 1, true) ~= 1
  end
  -- A record that is written twice never is as expected.
  if wrong or changes[name] and version ~= '*' then return {'conflict', name, found or ''} end
  if value ~= '' then
    local counter = match(value, '^%d+')
    changes[count + 1], changes[count + 2] = name, counter
    count = count + 2
    if records > 1 then changes[name] = counter end
  end
  at = at + 3
end

-- From here on it is done.
local moment = (known[2] or 0) + 1
local now = format('%d', moment)
local id, from = now, 1
while true do
  local upto = math.min(from + 999, count)
  call('XADD', events, id, 'op', op, unpack(changes, from, upto))
  if upto == count then break end
  id, from = format('%d-%d', moment, upto / 1000), upto + 1
end
for i = 4, records + 3 do
  local place = 3 * i - 6
  if ARGV[place + 2] ~= '' then call('HSET', KEYS[i], ARGV[place], ARGV[place + 2]) end
end

local position, dropped = nil, 0
if lines > 0 then
  -- The numbers that a subject has are kept as ranges, ascending: `1-9,12-12`. Those with one more between or below
  -- them, or nil where it is there.
  local function between(ranges, number)
    local list, i = {}, 1
    for first, last in string.gmatch(ranges, '(%d+)-(%d+)') do
      list[#list + 1] = {tonumber(first), tonumber(last)}
    end
    while list[i] and list[i][2] < number do i = i + 1 end
    if list[i] and list[i][1] <= number then return nil end
    table.insert(list, i, {number, number})
    for j = math.min(i + 1, #list), math.max(i, 2), -1 do
      if list[j - 1][2] + 1 == list[j][1] then
        list[j - 1][2] = list[j][2]
        table.remove(list, j)
      end
    end
    for j, range in ipairs(list) do list[j] = format('%d-%d', range[1], range[2]) end
    return table.concat(list, ',')
  end
  local numbers, holders, histories = {}, {}, {}
  position = known[6] or 0
  for i = records + 4, #KEYS, 2 do
    local history, sequences, subject = KEYS[i], KEYS[i + 1], ARGV[at]
    local time, number = match(ARGV[at + 1], '^(%S+) ?(%d*)$')
    local ranges = numbers[subject] or call('HGET', sequences, subject) or ''
    local below, last = match(ranges, '^(.*-)(%d+)$')
    number = tonumber(number) or (last or 0) + 1
    local more
    if not last then
      more = format('%d-%d', number, number)
    elseif number == last + 1 then
      more = below .. format('%d', number)
    elseif number > last + 1 then
      more = ranges .. format(',%d-%d', number, number)
    else
      more = between(ranges, number)
    end
    if more then
      position, numbers[subject], holders[subject], histories[history] = position + 1, more, sequences, true
      call('XADD', history, format('%d', position),
        'subject', subject, 'sequence', format('%d', number), 'at', time, 'text', ARGV[at + 2])
    end
    at = at + 3
  end
  for subject, sequences in pairs(holders) do call('HSET', sequences, subject, numbers[subject]) end
  local kept = match(ARGV[5], '%d+$')
  for history in pairs(histories) do
    dropped = dropped + call('XTRIM', history, 'MAXLEN', '~', kept)
  end
end

if position then
  call('HSET', meta, 'moment', now, 'op', op, op, now, 'position', format('%d', position))
else
  call('HSET', meta, 'moment', now, 'op', op, op, now)
end
-- What is remembered is bounded. Rarely and much at once: an operation is forgotten before its entry is.
if moment % 64 == 0 then
  local last = moment - match(ARGV[5], ' (%d+) %d+$')
  if last > 0 then
    local old = {}
    for _, entry in ipairs(call('XRANGE', events, format('%d', math.max(last - 63, 1)), format('%d', last))) do
      if entry[2][2] ~= old[#old] then old[#old + 1] = entry[2][2] end
    end
    if #old > 0 then call('HDEL', meta, unpack(old)) end
    call('XTRIM', events, 'MINID', '~', format('%d', last + 1))
  end
end
if dropped > 0 then call('HINCRBY', meta, 'dropped', dropped) end
if ARGV[7] == '*' then
  local answer = {'written'}
  for i = 2, count, 2 do answer[#answer + 1] = changes[i] end
  return answer
end
if dropped > 0 then return {'done', format('%d', dropped)} end
return 'done'
