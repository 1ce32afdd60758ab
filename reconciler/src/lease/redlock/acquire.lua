-- Locks resources that nobody has, and counts.
-- KEYS mark, then lock and counter of each resource. ARGV mark, ttl, hint, holder, then a nonce for each resource.
-- Answers 0 if the mark is another: the memory is another. Otherwise {1, count} or {0, lock} for each.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local ttl, hint, holder = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local answers = {}
for i = 1, (#KEYS - 1) / 2 do
  local lock, counter, nonce = KEYS[2 * i], KEYS[2 * i + 1], ARGV[4 + i]
  local held = redis.call('GET', lock)
  if held and string.sub(held, 1, 32) ~= nonce then
    answers[i] = {0, held}
  else
    local count = tonumber(redis.call('GET', counter) or '0')
    if not held then
      count = count + 1
      if hint > count then count = hint end
      redis.call('SET', counter, string.format('%.0f', count))
    end
    redis.call('SET', lock, nonce .. holder, 'PX', ttl)
    answers[i] = {1, string.format('%.0f', count)}
  end
end
return answers
