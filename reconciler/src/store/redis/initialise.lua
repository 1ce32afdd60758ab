#!lua
-- Makes an empty place a store, unless somebody was faster. KEYS 1 meta and all others.
local found = redis.call('HMGET', KEYS[1], 'lineage', 'format')
if found[1] then return {'store', found[1], found[2] or ''} end
for i = 1, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 1 then return {'foreign', KEYS[i]} end
end
redis.call('HSET', KEYS[1], 'lineage', ARGV[1], 'format', ARGV[2], 'moment', '0', 'position', '0')
return {'store', ARGV[1], ARGV[2]}
