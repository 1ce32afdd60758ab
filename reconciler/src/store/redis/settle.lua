#!lua flags=allow-oom
-- Whether a transaction was done. Where it was not, the requests for it that this process sent up to now are
-- refused when they come late. KEYS 1 meta, 2 ops, 3 refused.
local lineage, op, process, request, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local found = redis.call('HGET', KEYS[1], 'lineage')
if found ~= lineage then return {'lineage', found or ''} end
if redis.call('HEXISTS', KEYS[2], op) == 1 then
  -- A write, so that a WAIT behind it waits for all that came before.
  redis.call('HSET', KEYS[1], 'settled', op)
  return {'done'}
end
-- Without it nobody looks for late requests.
redis.call('HSET', KEYS[1], 'refused', '1')
redis.call('ZADD', KEYS[3], 'GT', request, op .. ' ' .. process)
redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - kept)
return {'refused'}
