#!lua flags=no-writes
-- What stands at a moment, and the first of some operations that is not known. KEYS 1 meta, 2 events.
local known = redis.call('HMGET', KEYS[1], 'lineage', 'moment', 'op')
if known[1] ~= ARGV[1] then return {'lineage', known[1] or ''} end
local entry = redis.call('XRANGE', KEYS[2], ARGV[2], ARGV[2], 'COUNT', 1)[1]
local op = entry and entry[2][2] or ''
if ARGV[2] == known[2] then op = known[3] or '' end
local missing = ''
for i = 3, #ARGV do
  if not redis.call('HGET', KEYS[1], ARGV[i]) then
    missing = ARGV[i]
    break
  end
end
return {'head', known[2], known[3] or '', op, missing}
