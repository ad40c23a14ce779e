-- POSTs of one body, in which each @N@ becomes a number that was not there before.
-- wrk … -s post.lua URL -- PATH FILE FIRST [TOKEN]
local path, body, number
local headers = { ["Content-Type"] = "application/json" }

function init(args)
  path, number = args[1], tonumber(args[3])
  local file = io.open(args[2], "rb")
  body = file:read("*a")
  file:close()
  if args[4] then headers["Authorization"] = "Bearer " .. args[4] end
end

function request()
  number = number + 1
  return wrk.format("POST", path, headers, (body:gsub("@N@", string.format("%d", number))))
end

function done(summary, latency, _)
  local failed = summary.errors
  io.write(string.format(
    '\nRESULT {"requests": %d, "micros": %d, "p50": %d, "p99": %d, "longest": %d, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    failed.status, failed.connect + failed.read + failed.write + failed.timeout))
end
