#!lua
-- Raises the barriers of all shards above each of them. KEYS 1 meta. ARGV 2 how many shards there are.
local found = redis.call('HGET', KEYS[1], 'lineage')
if found ~= ARGV[1] then return {'lineage', found or ''} end
local highest, fields = 0, {}
for shard = 0, ARGV[2] - 1 do
  highest = math.max(highest, tonumber(redis.call('HGET', KEYS[1], 'barrier:' .. shard)) or 0)
end
local epoch = string.format('%.0f', highest + 1)
for shard = 0, ARGV[2] - 1 do
  fields[#fields + 1] = 'barrier:' .. shard
  fields[#fields + 1] = epoch
end
redis.call('HSET', KEYS[1], unpack(fields))
return {'epoch', epoch}
