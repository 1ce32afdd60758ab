#!lua
-- Raises the barrier of one shard, unless it is higher. KEYS 1 meta.
local field = 'barrier:' .. ARGV[2]
local known = redis.call('HMGET', KEYS[1], 'lineage', field)
if known[1] ~= ARGV[1] then return {'lineage', known[1] or ''} end
if (tonumber(known[2]) or 0) >= tonumber(ARGV[3]) then return {'epoch', known[2] or '0'} end
redis.call('HSET', KEYS[1], field, ARGV[3])
return {'epoch', ARGV[3]}
