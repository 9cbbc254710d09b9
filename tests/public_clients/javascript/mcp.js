// Finds its way with @modelcontextprotocol/sdk from an MCP server behind the gate to GHES, and back.
//
//   node mcp.js GHES GITHUB_APP CLIENT_SECRET
//
// Serves a tool for the gate to stand before, and prints `listening ADDRESS`; then reads the address
// by which clients know the tool. Ends with `done`, or with an error.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";

const [ghes, clientId, clientSecret] = process.argv.slice(2);
const redirectUrl = "http://tool.test/";

// A tool that says who asks, as the gate tells it.
const tool = createServer(async (request, response) => {
  assert.equal(request.headers.authorization, undefined);
  const server = new McpServer({ name: "tool", version: "1" });
  const login = request.headers["x-forwarded-user"];
  server.registerTool("whoami", {}, async () => ({ content: [{ type: "text", text: login }] }));
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  await server.connect(transport);
  await transport.handleRequest(request, response);
});

// What an MCP client keeps, and where it would send its user.
class Visitor {
  redirectUrl = redirectUrl;
  clientMetadata = { client_name: "visitor", redirect_uris: [redirectUrl] };
  clientInformation = () => ({ client_id: clientId, client_secret: clientSecret });
  state = () => "a state";
  tokens = () => this.kept;
  saveTokens = (tokens) => (this.kept = tokens);
  redirectToAuthorization = (url) => (this.place = url);
  saveCodeVerifier = (verifier) => (this.verifier = verifier);
  codeVerifier = () => this.verifier;
}

const connect = async (url, authProvider) => {
  const transport = new StreamableHTTPClientTransport(url, { authProvider });
  const client = new Client({ name: "visitor", version: "1" });
  return { transport, client, connected: client.connect(transport) };
};

async function visit(url) {
  const visitor = new Visitor();
  const first = await connect(url, visitor);
  await assert.rejects(first.connected, UnauthorizedError);

  const { place } = visitor;
  assert.equal(place.origin + place.pathname, `${ghes}/login/oauth/authorize`);
  assert.equal(place.searchParams.get("client_id"), clientId);
  assert.equal(place.searchParams.get("resource"), url.href);
  assert.equal(place.searchParams.get("state"), "a state");

  const fields = { login: "octocat", password: "octocat", decision: "authorize" };
  const body = new URLSearchParams([...place.searchParams, ...Object.entries(fields)]);
  const sent = await fetch(`${ghes}/login/oauth/authorize`, { method: "POST", body, redirect: "manual" });
  const back = new URL(sent.headers.get("location"));
  assert.equal(back.searchParams.get("state"), "a state");
  await first.transport.finishAuth(back.searchParams.get("code"));
  assert.match(visitor.kept.access_token, /^ghu_/);

  const { client, connected } = await connect(url, visitor);
  await connected;
  const said = await client.callTool({ name: "whoami" });
  assert.deepEqual(said.content, [{ type: "text", text: "octocat" }]);
  await client.close();
}

tool.listen(0, "127.0.0.1", () => console.log(`listening 127.0.0.1:${tool.address().port}`));
for await (const line of createInterface({ input: process.stdin })) {
  await visit(new URL(line));
  break;
}
tool.closeAllConnections();
tool.close();
console.log("done");
process.exit(0);
