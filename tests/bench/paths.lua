-- wrk asks for the paths that it is given, one after the other.
local paths = {}
local turn = 0

function init(arguments)
  for _, path in ipairs(arguments) do paths[#paths + 1] = path end
end

function request()
  turn = turn % #paths + 1
  return wrk.format("GET", paths[turn])
end
