#!lua flags=allow-oom
-- Whether a transaction was done. Where it was not, the requests for it that this process sent up to now are
-- refused when they come late. KEYS 1 meta, 2 refused.
local lineage, op, process, request, kept = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local known = redis.call('HMGET', KEYS[1], 'lineage', op)
if known[1] ~= lineage then return {'lineage', known[1] or ''} end
if known[2] then
  -- A write, so that a WAIT behind it waits for all that came before.
  redis.call('HSET', KEYS[1], 'settled', op)
  return {'done'}
end
-- Without it nobody looks for late requests.
redis.call('HSET', KEYS[1], 'refused', '1')
redis.call('ZADD', KEYS[2], 'GT', request, op .. ' ' .. process)
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - kept)
return {'refused'}
