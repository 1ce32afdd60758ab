#!lua flags=no-writes
-- The last commit, and what was written after a moment, while that is known. KEYS 1 meta, 2 events.
local known = redis.call('HMGET', KEYS[1], 'lineage', 'moment', 'op')
if known[1] ~= ARGV[1] then return {'lineage', known[1] or ''} end
local since, now = tonumber(ARGV[2]), tonumber(known[2])
local op = known[3] or ''
if since == now then return {'known', known[2], op} end
if since > now then return {'forgotten', known[2], op} end
local first = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
local oldest = first and tonumber(first[1]:match('^%d+'))
-- The oldest moment that is remembered may itself be incomplete.
if not first or (first[1] ~= '1-0' and since < oldest) then return {'forgotten', known[2], op} end
local answer = {'known', known[2], op}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], string.format('%.0f', since + 1), '+')) do
  for i = 3, #entry[2], 2 do answer[#answer + 1] = entry[2][i] end
end
return answer
