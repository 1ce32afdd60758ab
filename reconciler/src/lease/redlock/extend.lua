-- Gives locks another TTL, where they are ours.
-- KEYS lock of each resource. ARGV ttl, then the nonce of each. Answers 1 extended, 0 missing, -1 foreign for each.
local answers = {}
for i = 1, #KEYS do
  local held = redis.call('GET', KEYS[i])
  if not held then
    answers[i] = 0
  elseif string.sub(held, 1, 32) ~= ARGV[1 + i] then
    answers[i] = -1
  else
    redis.call('PEXPIRE', KEYS[i], ARGV[1])
    answers[i] = 1
  end
end
return answers
