-- GETs of the addresses in a file, one after the other. A line is a path, or a path, a tab and an ETag to ask with.
-- wrk … -s get.lua URL -- FILE [TOKEN]
local requests, n, next_one = {}, 0, 0

function init(args)
  for line in io.lines(args[1]) do
    local path, etag = line:match("^([^\t]+)\t?(.*)$")
    local headers = {}
    if etag ~= "" then headers["If-None-Match"] = etag end
    if args[2] then headers["Authorization"] = "Bearer " .. args[2] end
    n = n + 1
    requests[n] = wrk.format("GET", path, headers)
  end
end

local pause = tonumber(os.getenv("PAUSE_MS") or 0)
if pause > 0 then
  function delay() return pause end
end

function request()
  next_one = next_one % n + 1
  return requests[next_one]
end

function done(summary, latency, _)
  local failed = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "micros": %d, "p50": %d, "p99": %d, "longest": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    failed.status, failed.connect + failed.read + failed.write + failed.timeout))
end
