-- Asks the gate about a request. HAProxy lets it pass only if txn.gate_status is 200 afterwards.

local GATE = "http://127.0.0.1:8081/auth/nginx"
-- The gate waits 3.5 s for GHES, and then says 503 itself.
local TIMEOUT = 4000

-- What the gate says about the user. Each is on every 200, and empty without a user.
local IDENTITY = {
    "x-auth-request-user", "x-auth-request-preferred-username", "x-auth-request-groups",
    "x-github-user-id", "x-oauth-scopes", "x-oauth-client-id", "x-gatekeeper-assertion",
}

-- What the gate decides by: the token, the second path of WebDAV's COPY and MOVE, and what makes a
-- preflight.
local DECIDING = { "authorization", "destination", "origin", "access-control-request-method", "cookie" }

-- What a client needs of a refusal.
local REFUSAL = { "content-type", "www-authenticate", "retry-after", "cache-control", "location", "x-request-id" }

local function ask_gate(txn)
    local scheme = txn.f:ssl_fc() == 1 and "https" or "http"
    local host = txn.sf:req_fhdr("host")
    local headers = {
        ["x-original-method"] = { txn.sf:method() },
        -- The very bytes that the tool gets.
        ["x-original-url"] = { scheme .. "://" .. host .. txn.sf:pathq() },
        ["x-forwarded-for"] = { txn.sf:src() },
    }
    -- Every line of each: two tokens are refused, and none is chosen here.
    local own = txn.http:req_get_headers()
    for _, name in ipairs(DECIDING) do
        if own[name] then
            headers[name] = {}
            for index, value in pairs(own[name]) do
                headers[name][index + 1] = value
            end
        end
    end
    local answer = core.httpclient():get({ url = GATE, headers = headers, timeout = TIMEOUT })
    if not answer or not answer.status or answer.status == 0 then
        return
    end
    if answer.status == 200 then
        for _, name in ipairs(IDENTITY) do
            local values = answer.headers[name]
            if values and values[0] ~= "" then
                txn.http:req_set_header(name, values[0])
            end
        end
        txn:set_var("txn.gate_status", 200)
        return
    end
    local reply = txn:reply({ status = answer.status, body = answer.body })
    for _, name in ipairs(REFUSAL) do
        for _, value in pairs(answer.headers[name] or {}) do
            reply:add_header(name, value)
        end
    end
    txn:done(reply)
end

core.register_action("ask_gate", { "http-req" }, ask_gate)
