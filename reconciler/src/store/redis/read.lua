#!lua flags=no-writes
-- One record. KEYS 1 meta, 2 records.
local found = redis.call('HGET', KEYS[1], 'lineage')
if found ~= ARGV[1] then return {'lineage', found or ''} end
return {'record', redis.call('HGET', KEYS[2], ARGV[2]) or ''}
