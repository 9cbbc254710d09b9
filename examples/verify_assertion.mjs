// Tells whether a request came through the gate, with jose (npm install jose).
//
// A tool calls `verify` for each request, and answers 401 if it throws. From a shell, with the
// assertion on standard input:
//
//     node verify_assertion.mjs GATE AUDIENCE GET /notes < assertion

import { readFileSync } from "node:fs";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

export function gate(url, audience) {
  // Fetches again for a key that it does not know, and every ten minutes.
  const keys = createRemoteJWKSet(new URL(url + "/.well-known/jwks.json"));
  // `path` is that of the request line, without the query.
  return async function verify(assertion, method, path) {
    const { payload } = await jwtVerify(assertion, keys, {
      algorithms: ["EdDSA", "ES256"],
      typ: "gatekeeper-assertion+jwt",
      issuer: url,
      audience,
      clockTolerance: 5,
      requiredClaims: ["sub", "iat", "exp"],
    });
    if (payload.htm !== method || payload.path !== path) {
      throw new errors.JWTClaimValidationFailed("for another request", payload);
    }
    return payload;
  };
}

const [url, audience, method, path] = process.argv.slice(2);
if (path !== undefined) {
  try {
    const assertion = readFileSync(0, "utf8").trim();
    console.log(JSON.stringify(await gate(url, audience)(assertion, method, path)));
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    console.error(`refused: ${error.message}`);
    process.exitCode = 1;
  }
}
