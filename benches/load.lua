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
local starts, rests = {}, {}
local threads, turn = 0, 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

-- Whatever can be made before the clock runs is made here: the client shares its cores with the server it measures.
function init(_)
  math.randomseed(tonumber(os.getenv("LOAD_SEED")) * 64 + number)
  turn = tonumber(os.getenv("LOAD_FROM") or 0) + number
  if method == "PUT" then
    headers["Content-Type"] = os.getenv("LOAD_CONTENT_TYPE")
  end
  for index, body in ipairs(method == "PUT" and lines("LOAD_BODIES", 1000) or { false }) do
    local text = wrk.format(method, "/", headers, body or nil)
    rests[index] = text:sub(text:find(" HTTP/1.1\r\n", 1, true), -1)
  end
  local before, behind = path:match("^(.*){id}(.*)$")
  local rest = #rests == 1 and rests[1] or ""
  for index, id in ipairs(lines("LOAD_IDS")) do
    starts[index] = method .. " " .. before .. id .. behind .. rest
  end
end

function request()
  local index = math.random(#starts)
  if method == "DELETE" then
    index, turn = math.min(turn, #starts), turn + 2
  end
  return #rests == 1 and starts[index] or starts[index] .. rests[math.random(#rests)]
end

function done(summary, latency, _)
  local failed = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"status":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed.status,
    failed.connect + failed.read + failed.write + failed.timeout))
end
