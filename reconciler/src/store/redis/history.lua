#!lua flags=no-writes
-- The lines of one subject behind a position, the last ones first. KEYS 1 meta, 2 history.
local found = redis.call('HGET', KEYS[1], 'lineage')
if found ~= ARGV[1] then return {'lineage', found or ''} end
local subject, after, last = ARGV[2], ARGV[3], tonumber(ARGV[4])
local answer, upto = {'lines'}, '+'
while true do
  local page = redis.call('XREVRANGE', KEYS[2], upto, after, 'COUNT', 200)
  for _, entry in ipairs(page) do
    if entry[2][2] == subject then
      if #answer > last then return answer end
      answer[#answer + 1] = entry
    end
  end
  if #page < 200 then return answer end
  upto = '(' .. page[#page][1]
end
