-- Raises counter and barrier to a token, where the lock is still ours and nothing higher was sealed.
-- KEYS lock, counter and barrier of each resource. ARGV nonce and token of each.
-- Answers {1, count} or {0, barrier} for each.
local answers = {}
for i = 1, #KEYS / 3 do
  local lock, counter, barrier = KEYS[3 * i - 2], KEYS[3 * i - 1], KEYS[3 * i]
  local nonce, token = ARGV[2 * i - 1], tonumber(ARGV[2 * i])
  local held = redis.call('GET', lock)
  local sealed = tonumber(redis.call('GET', barrier) or '0')
  if not held or string.sub(held, 1, 32) ~= nonce or sealed > token then
    answers[i] = {0, string.format('%.0f', sealed)}
  else
    local count = tonumber(redis.call('GET', counter) or '0')
    if count < token then
      count = token
      redis.call('SET', counter, string.format('%.0f', count))
    end
    redis.call('SET', barrier, string.format('%.0f', token))
    answers[i] = {1, string.format('%.0f', count)}
  end
end
return answers
