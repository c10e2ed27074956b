-- Takes a slice of one counter. KEYS[1]: its hash. The fields are the ends of units in Unix milliseconds, or the end
-- and the process that holds them. ARGV: holder, most, keep, smallest, need, ahead, span, grid, hold, slack, now (or an
-- empty text), then units and age of each spend. Returns the time, what is held, and the fields with their units.
local holder = ARGV[1]
local function number(place) return tonumber(ARGV[place]) end
local most, keep, smallest, need, ahead = number(2), number(3), number(4), number(5), number(6)
local span, grid, hold, slack, now = number(7), number(8), number(9), number(10), number(11)
if not now then
    local time = redis.call('TIME')
    now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local function text(value) return string.format('%.0f', value) end
local function ends(from) return math.ceil((from + span) / grid) * grid end

local units, known = {}, redis.call('HGETALL', KEYS[1])
for place = 1, #known, 2 do
    local stop, owner = string.match(known[place], '^(%d+)/?(.*)$')
    if tonumber(stop) > now and owner ~= holder then
        units[known[place]] = tonumber(known[place + 1])
    end
end
for place = 12, #ARGV, 2 do
    local spent = number(place)
    local stop = ends(now - number(place + 1))
    if spent < 0 then stop = stop - slack end
    if stop > now then units[text(stop)] = (units[text(stop)] or 0) + spent end
end
local used = 0
for _, some in pairs(units) do used = used + some end

local room, held = most - used - keep, keep
if room < 0 then
    held = math.max(keep + room, 0)
elseif room >= smallest then
    held = keep + math.min(need, room) + math.max(math.min(ahead, math.floor((room - need) / 4)), 0)
end
local answer = { text(now), text(held) }
for field, some in pairs(units) do
    answer[#answer + 1] = field
    answer[#answer + 1] = text(some)
end
if held > 0 then units[text(ends(now + hold)) .. '/' .. holder] = held end

redis.call('DEL', KEYS[1])
local last = 0
for field, some in pairs(units) do
    redis.call('HSET', KEYS[1], field, text(some))
    last = math.max(last, tonumber(string.match(field, '^%d+')))
end
if last > now then redis.call('PEXPIRE', KEYS[1], text(last - now)) end
return answer
