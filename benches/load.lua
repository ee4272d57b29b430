-- wrk's part of scripts/bench: random ids (each once where they are erased), one of a thousand bodies, and the result as
-- one JSON line.
-- The job comes in the environment, since wrk hands no arguments to every thread.
local function lines(name, most)
  local list = {}
  for line in io.lines(os.getenv(name)) do
    list[#list + 1] = line
    if most and #list == most then break end
  end
  return list
end

local method, path = os.getenv("LOAD_METHOD"), os.getenv("LOAD_PATH")
local headers = { ["Authorization"] = os.getenv("LOAD_AUTHORIZATION"), ["X-Vault-Token"] = os.getenv("LOAD_VAULT_TOKEN") }
local ids, bodies, before, behind = nil, nil, nil, nil
local threads, turn = 0, 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(_)
  math.randomseed(tonumber(os.getenv("LOAD_SEED")) * 64 + number)
  ids = lines("LOAD_IDS")
  turn = tonumber(os.getenv("LOAD_FROM") or 0) + number
  if method == "PUT" then
    bodies = lines("LOAD_BODIES", 1000)
    headers["Content-Type"] = os.getenv("LOAD_CONTENT_TYPE")
  end
  before, behind = path:match("^(.*){id}(.*)$")
end

function request()
  local index = math.random(#ids)
  if method == "DELETE" then
    index, turn = math.min(turn, #ids), turn + 2
  end
  local target = before .. ids[index] .. behind
  return wrk.format(method, target, headers, bodies and bodies[math.random(#bodies)])
end

function done(summary, latency, _)
  local failed = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"status":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed.status,
    failed.connect + failed.read + failed.write + failed.timeout))
end
