-- Who has each resource, and for how many milliseconds.
-- KEYS lock of each resource. Answers {milliseconds, lock} or 0 for each.
local answers = {}
for i = 1, #KEYS do
  local left, held = redis.call('PTTL', KEYS[i]), redis.call('GET', KEYS[i])
  if held and left >= 0 then answers[i] = {left, held} else answers[i] = 0 end
end
return answers
