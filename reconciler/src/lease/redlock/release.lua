-- Removes locks, where they are ours, and tells whoever listens.
-- KEYS lock of each resource. ARGV a channel, then the nonce of each. Answers 1 removed, 0 not ours for each.
local answers, freed = {}, false
for i = 1, #KEYS do
  local held = redis.call('GET', KEYS[i])
  if held and string.sub(held, 1, 32) == ARGV[i + 1] then
    redis.call('DEL', KEYS[i])
    answers[i] = 1
    freed = true
  else
    answers[i] = 0
  end
end
if freed then redis.call('PUBLISH', ARGV[1], '') end
return answers
