-- Removes locks, where they are ours.
-- KEYS lock of each resource. ARGV the nonce of each. Answers 1 removed, 0 not ours for each.
local answers = {}
for i = 1, #KEYS do
  local held = redis.call('GET', KEYS[i])
  if held and string.sub(held, 1, 32) == ARGV[i] then
    redis.call('DEL', KEYS[i])
    answers[i] = 1
  else
    answers[i] = 0
  end
end
return answers
