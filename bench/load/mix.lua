-- Nineteen reads of twenty requests, one write: in turn a new draft, a change of an article, and publishing one that was
-- changed a while ago.
-- wrk … -s mix.lua URL -- PATHS DRAFT ARTICLES FIRST TOKEN
local reads, articles, n, draft, number = {}, {}, 0, nil, 0
local writes = 0
-- So many changes lie between changing an article and publishing it, so that the one has certainly been answered.
local APART = 40

local headers = { ["Content-Type"] = "application/json", ["If-Match"] = "*" }
local create = { ["Content-Type"] = "application/json" }

function init(args)
  for line in io.lines(args[1]) do
    reads[#reads + 1] = wrk.format("GET", line)
  end
  local file = io.open(args[2], "rb")
  draft = file:read("*a")
  file:close()
  for line in io.lines(args[3]) do
    articles[#articles + 1] = line
  end
  number = tonumber(args[4])
  headers["Authorization"] = "Bearer " .. args[5]
  create["Authorization"] = "Bearer " .. args[5]
end

local function write()
  number = number + 1
  local kind, round = writes % 3, math.floor(writes / 3)
  writes = writes + 1
  if kind == 1 then
    local body = string.format('{"title": "Changed for the %dth time"}', number)
    return wrk.format("PATCH", articles[round % #articles + 1], headers, body)
  elseif kind == 2 and round >= APART then
    return wrk.format("POST", articles[(round - APART) % #articles + 1] .. "/publish", headers)
  end
  return wrk.format("POST", "/v1/articles", create, (draft:gsub("@N@", string.format("%d", number))))
end

function request()
  n = n + 1
  if n % 20 == 0 then return write() end
  return reads[n % #reads + 1]
end

function done(summary, latency, _)
  local failed = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "micros": %d, "p50": %d, "p99": %d, "longest": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    failed.status, failed.connect + failed.read + failed.write + failed.timeout))
end
